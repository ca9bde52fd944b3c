"""Small changes to bytes and to JSON, of the kinds that break readers."""

from __future__ import annotations

import json
from random import Random
from typing import Any

MOST = 1 << 20
"""Bytes that a mutated input may grow to."""

_NUMBERS = (0, 1, 7, 8, 127, 128, 255, 256, 65535, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - 1)

_TEXTS = (
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b'"',
    b"{",
    b"[",
    b"\\",
)

_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3, 255, 1 << 31, 1 << 32, 1 << 63, 10**30, -(10**30)),
    *(0.0, -0.0, 0.5, 1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
    *(
        "",
        " ",
        "\0",
        "\ud800",
        "\udfff",
        "a" * 999,
        "../x",
        "é",
        "\u202e",
        "0",
        "-1",
        "1e9",
        "null",
    ),
    *([], {}, [[]], [{}], {"": ""}, [0] * 99, {"a": {"b": {"c": []}}}),
)


def mutate_bytes(random: Random, data: bytes) -> bytes:
    """Flip, insert, delete, repeat, overwrite or cut."""
    place = random.randint(0, len(data))
    length = min(random.choice((1, 1, 2, 4, 8, 64)), len(data) - place)
    kind = random.randrange(7)
    if kind == 0 and data:
        place = random.randrange(len(data))
        return data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :]
    if kind == 1:
        return data[:place] + random.choice(_TEXTS) + data[place:]
    if kind == 2:
        return data[:place] + data[place + length :]
    if kind == 3 and len(data) < MOST:
        return (
            data[:place] + data[place : place + length] * random.choice((2, 3, 50)) + data[place:]
        )
    if kind == 4:
        number = random.choice(_NUMBERS).to_bytes(8, random.choice(("little", "big")))
        return data[:place] + number[: random.choice((1, 2, 4, 8))] + data[place + length :]
    if kind == 5:
        return data[:place]
    other = random.randint(0, len(data))
    return data[:place] + data[other : other + 64] + data[place + length :]


def mutate_json(random: Random, data: bytes) -> bytes:
    """Change a value, a key or the text of JSON; bytes that are none are changed as bytes."""
    if random.random() < 0.2:
        return mutate_bytes(random, data)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return mutate_bytes(random, data)
    return json.dumps(_changed(random, value), ensure_ascii=random.random() < 0.9).encode(
        "utf-8", "surrogatepass"
    )


def _changed(random: Random, value: Any) -> Any:
    """`value` with a change somewhere in it, as often deep as shallow."""
    if not isinstance(value, list | dict) or not value or random.random() < 0.1:
        return _odd(random, value)
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = random.choice(keys)
    copy: Any = value.copy()
    kind = random.random()
    if kind < 0.6:
        copy[key] = _changed(random, value[key])
    elif kind < 0.75:
        del copy[key]
    elif isinstance(value, dict):
        copy[random.choice((str(_odd(random, key)), *keys))] = value[key]
    else:
        copy.insert(random.choice((0, key, len(copy))), value[random.choice(keys)])
    return copy


def _odd(random: Random, value: Any) -> Any:
    """Another value: near this one, or of another type."""
    if isinstance(value, int) and random.random() < 0.5:
        return value + random.choice((-1, 1, 8, -value, value))
    if isinstance(value, str) and random.random() < 0.5:
        place = random.randint(0, len(value))
        return (
            value[:place]
            + random.choice(("", "\0", "\ud83d", "A", " ", "\n", "́"))
            + value[place + 1 :]
        )
    return random.choice(_VALUES)
