"""Sets of code points: what a character class of a regular expression stands for."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from typing import NamedTuple

Range = tuple[int, int]
"""The first and the last code point of a run of them."""

_ASCII_CASE_BIT = 0x20
"""What an ASCII capital and its small letter differ by."""


class CodePoints(NamedTuple):
    """A set of code points, as sorted ranges that neither overlap nor touch."""

    ranges: tuple[Range, ...]

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> CodePoints:
        """The set of all code points of some ranges, in any order."""
        merged: list[Range] = []
        for first, last in sorted(ranges):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return cls(tuple(merged))

    @classmethod
    def from_text(cls, characters: str) -> CodePoints:
        """The set of the characters of a string."""
        return cls.of((ord(character), ord(character)) for character in characters)

    def __or__(self, other: CodePoints) -> CodePoints:
        return CodePoints.of((*self.ranges, *other.ranges))

    def __and__(self, other: CodePoints) -> CodePoints:
        return ~(~self | ~other)

    def __invert__(self) -> CodePoints:
        bounds = [-1, *(bound for pair in self.ranges for bound in pair), sys.maxunicode + 1]
        gaps = zip(bounds[::2], bounds[1::2], strict=True)
        return CodePoints(tuple((a + 1, b - 1) for a, b in gaps if a + 1 <= b - 1))

    def in_either_case(self) -> CodePoints:
        """The set, with the other case of each ASCII letter in it."""
        both = set(range(ord("a"), ord("z") + 1)) | set(range(ord("A"), ord("Z") + 1))
        letters = (c for first, last in self.ranges for c in range(first, min(last, 0x7F) + 1))
        others = [c ^ _ASCII_CASE_BIT for c in letters if c in both]
        return self | CodePoints.of((c, c) for c in others)

    def pattern(self) -> str:
        """A regular expression of Python's for any one of the set."""
        if not self.ranges:
            return "(?!)"
        rest = ~self
        if not rest.ranges:
            return "(?s:.)"
        if len(rest.ranges) < len(self.ranges):
            return f"[^{_ranges(rest)}]"
        return f"[{_ranges(self)}]"


def _ranges(points: CodePoints) -> str:
    return "".join(
        _escaped(first) if first == last else f"{_escaped(first)}-{_escaped(last)}"
        for first, last in points.ranges
    )


def _escaped(code: int) -> str:
    character = chr(code)
    return character if character.isalnum() and character.isascii() else f"\\U{code:08x}"


@cache
def with_category(*names: str) -> CodePoints:
    """The code points whose general category begins with one of these names, such as L or Lu."""
    return CodePoints.of(run for category, run in _category_runs() if category.startswith(names))


@cache
def _category_runs() -> tuple[tuple[str, Range], ...]:
    def runs() -> Iterator[tuple[str, Range]]:
        first = 0
        for category, run in groupby(
            map(unicodedata.category, map(chr, range(sys.maxunicode + 1)))
        ):
            length = sum(1 for _ in run)
            yield category, (first, first + length - 1)
            first += length

    return tuple(runs())
