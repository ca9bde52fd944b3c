"""Texts that are hard on software: odd characters, Unicode's own test files, and their mixtures."""

from __future__ import annotations

import bz2
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from hazard import Skipped

from minner.tagger import Tagger

UNICODE = Path("/usr/share/unicode")
"""Where Debian's package unicode-data puts the files of the Unicode Character Database."""

PLAIN = (
    "My name is John Smith and I work at Acme Corp. in Berlin.",
    "Kofi Annan flew to Geneva.\nThe U.N. said so.\n\nOlaf O'Neil-Berg, AT&T, 3.5 %",
    "",
    " ",
)

ODD = (
    *("\0", "\x7f", "\x1b[31m", "\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff", "\ufffd"),
    *("\u202e", "\u2066", "\u2069", "\u061c", "\u180e", "\u2028", "\u2029", "\x85", "\x0b"),
    *("\r\n", "\r", "\ud800", "\udfff", "\ud83d\ude00", "\U0010ffff", "\ue000", "\U000e0041"),
    *("\ufdd0", "\ufffe", "e\u0301", "\u0301", "\u0301" * 60, "Z\u0351\u036b\u0343"),
    *[
        "ﷺ",
        "ǅ",
        "İ",
        "ı",
        "ß",
        "ẞ",
        "ﬁ",
        "Å",
        "中文",
        "ひらがな",
        "ｶﾀｶﾅ",
        "한국어",
        "ไทย",
        "हिन्दी",
        "नी",
        "עברית",
        "العَرَبِيَّة",
        "한",
    ],
    *(
        "👩\u200d❤\ufe0f\u200d💋\u200d👨",
        "🏳\ufe0f\u200d🌈",
        "🇩🇪",
        "🇩",
        "👍🏽",
        "1\ufe0f\u20e3",
        "♥\ufe0e",
    ),
    *[
        "...",
        "--",
        "''",
        '"',
        "\\",
        "%s%n",
        "<b>",
        "&amp;",
        "{}",
        "${x}",
        "';",
        "../..",
        "#",
        "_x_",
        "*",
        "@",
        "A.B.C.D.",
        "x@y.z",
        "0x1F",
    ],
    *("a" * 101, "1" * 300, "http://a.b/c?d=e#f", "1e309", "NaN", "null"),
)
"""Each of them has broken somebody's software: invisible, combining, bidirectional, half, huge."""


def mixture(random: Random) -> str:
    """A text of plain and odd parts."""
    parts = random.choices((*PLAIN, *ODD, *PLAIN[0].split()), k=random.randint(1, 20))
    return random.choice(("", " ", "\n", "\t")).join(parts)


def mutate_text(random: Random, text: str) -> str:
    """Insert, delete, repeat or exchange."""
    place, other = sorted((random.randint(0, len(text)), random.randint(0, len(text))))
    kind = random.randrange(5)
    if kind == 0:
        return text[:place] + random.choice(ODD) + text[place:]
    if kind == 1:
        return text[:place] + text[other:]
    if kind == 2:
        return text[:other] + text[place:other] * random.choice((1, 2, 9)) + text[other:]
    if kind == 3:
        return text[:place] + chr(random.randrange(0x110000)) + text[place + 1 :]
    return text[:place] + text[place:other].swapcase()[::-1] + text[other:]


def unicode_tests() -> Iterator[tuple[str, str]]:
    """The texts of NormalizationTest, the BreakTests and emoji-test, each with its file's name.

    Raises:
        Skipped: they are not installed.
    """
    if not UNICODE.is_dir():
        raise Skipped("unicode-data is not installed")
    with bz2.open(UNICODE / "NormalizationTest.txt.bz2", "rt", encoding="utf-8") as lines:
        for line in lines:
            if line[:1] not in "#@":
                for field in line.split(";")[:5]:
                    yield "NormalizationTest", _characters(field.split())
    for path in sorted((UNICODE / "auxiliary").glob("*BreakTest.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            codes = line.partition("#")[0].replace("÷", " ").replace("×", " ").split()
            if codes:
                yield path.stem, _characters(codes)
    for line in (UNICODE / "emoji" / "emoji-test.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield "emoji-test", _characters(line.partition(";")[0].split())


def _characters(codes: Sequence[str]) -> str:
    return "".join(chr(int(code, 16)) for code in codes)


def assert_sound(ner: Tagger, text: str) -> list[Any]:
    """Check what can be said of the entities of any text; return them.

    They stand in the text where they say, in order, apart from each other; and whoever restores
    what was redacted gets the text.
    """
    from minner.redact import redact, restore

    found = ner(text)
    end = 0
    for entity in found:
        assert end <= entity.start < entity.end <= len(text), (text, found)
        assert text[entity.start : entity.end] == entity.text, (text, found)
        assert entity.text.strip() == entity.text, (text, found)
        assert entity.label in ner.entity_labels, (text, found)
        assert 0.0 <= entity.score <= 1.0, (text, found)
        end = entity.end
    redacted = redact(text, found)
    assert restore(redacted.text, redacted.mapping) == text
    return found
