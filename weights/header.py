"""The header of a safetensors file: which tensors it holds, and where, checked to the last byte.

The format (https://github.com/huggingface/safetensors, section Format): eight bytes, little
endian, hold the length N of the header; N bytes of UTF-8 JSON map each tensor's name to its dtype,
shape and data_offsets [begin, end); the rest is the data, which the offsets must tile without
holes or overlaps.

It takes what the `safetensors` package takes (0.8), but for names that appear twice in the header,
which the format forbids and the package lets pass, and headers of more than 8 MiB; and it lets a
tensor pass whose dtype it has never heard of, as long as nobody needs it.
"""

import math
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from minner.errors import MinnerError
from minner.weights.files import LARGEST, parse_json

_BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
"""dtype in the header -> bits of a value, for all that the format knows (safetensors 0.8)."""

_LONGEST_HEADER = LARGEST
"""Bytes: 8 MiB, room for 80,000 tensors. In memory JSON takes up to thirty times as much; the
reference implementation takes 100 MB, which would be 3 GB."""


class Entry(NamedTuple):
    """A tensor as the header describes it, in the bytes from `begin` to `end`."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(path: Path, content: memoryview) -> list[Entry]:
    """Return the tensors of a file, with their places in it.

    Args:
        path: of the file, for messages.
        content: all of it.

    Raises:
        MinnerError: the file is truncated, or its header is not what the format asks for.
    """
    start = 8 + _header_length(path, content)
    header = _parse_header(path, bytes(content[8:start]))
    n_bytes = len(content) - start
    entries = [_parse_entry(path, name, entry, n_bytes) for name, entry in header.items()]
    _check_tiling(path, entries, n_bytes)
    return [e._replace(begin=start + e.begin, end=start + e.end) for e in entries]


def _header_length(path: Path, content: memoryview) -> int:
    length = int.from_bytes(content[:8], "little")
    if len(content) >= 8 + length and length > _LONGEST_HEADER:
        raise MinnerError(
            f"{path} has a header of {length} bytes, and minner reads up to {_LONGEST_HEADER}; "
            f"no checkpoint of this kind has so many tensors"
        )
    if len(content) < 8 + length:
        raise MinnerError(
            f"{path} is not a safetensors file, or is truncated: its header would be {length} "
            f"bytes long and the file has {len(content)}; download it again"
        )
    return length


def _parse_header(path: Path, text: bytes) -> dict[str, Any]:
    try:
        header = parse_json(
            text.decode("utf-8"),
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise MinnerError(f"{path}: the header is not valid JSON: {error}") from error
    if not isinstance(header, dict):
        raise MinnerError(f"{path}: the header is not a JSON object of tensors")
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict | None) or not all(
        isinstance(value, str) for value in (metadata or {}).values()
    ):
        raise MinnerError(f"{path}: __metadata__ in the header must be an object of texts")
    return header


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object, where Python would silently keep the last of two equal names."""
    built = dict(pairs)
    if len(built) < len(pairs):
        [(repeated, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the name {repeated!r} appears twice")
    return built


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads though they are no JSON."""
    raise ValueError(f"{name} is no JSON")


def _parse_entry(path: Path, name: str, entry: object, n_bytes: int) -> Entry:
    """Return one entry, its fields checked against each other; offsets count from the data on.

    A dtype that the format did not know yet has no known size, and passes: the tensor may never be
    needed.
    """
    fields = entry if isinstance(entry, dict) else {}
    dtype = fields.get("dtype")
    shape = _whole_numbers(fields.get("shape"))
    offsets = _whole_numbers(fields.get("data_offsets"))
    if not isinstance(dtype, str) or shape is None or offsets is None or len(offsets) != 2:
        raise MinnerError(f"{path}: the header entry of tensor {name!r} is malformed")
    begin, end = offsets
    if not begin <= end <= n_bytes:
        raise MinnerError(
            f"{path}: tensor {name!r} lies at bytes {begin} to {end} of {n_bytes}; "
            f"the file is truncated or its header is wrong: download it again"
        )
    if dtype in _BITS:
        needed = math.prod(shape) * _BITS[dtype]
        if needed != 8 * (end - begin) or max(shape, default=0) > sys.maxsize:
            raise MinnerError(
                f"{path}: tensor {name!r} is {dtype} of shape {list(shape)}, "
                f"which the {end - begin} bytes stored for it do not fit"
            )
    return Entry(name, dtype, shape, begin, end)


def _whole_numbers(value: object) -> tuple[int, ...] | None:
    """Return a JSON list of non-negative integers as a tuple, and None for anything else."""
    if isinstance(value, list) and all(type(item) is int and item >= 0 for item in value):
        return tuple(value)
    return None


def _check_tiling(path: Path, entries: Iterable[Entry], n_bytes: int) -> None:
    """Check that entries cover the data exactly once."""
    covered = 0
    for begin, end, name in sorted((entry.begin, entry.end, entry.name) for entry in entries):
        if begin < covered:
            raise MinnerError(f"{path}: tensor {name!r} overlaps the tensor before it")
        if begin > covered:
            raise MinnerError(f"{path}: bytes {covered} to {begin}, before {name!r}, are unused")
        covered = end
    if covered != n_bytes:
        raise MinnerError(f"{path}: {n_bytes - covered} bytes after the last tensor are unused")
