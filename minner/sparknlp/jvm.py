"""Strings and numbers as the JVM has them: UTF-16 offsets, and floats as Java prints them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def utf16_length(text: str) -> int:
    """The length of a text in UTF-16 units: a character beyond U+FFFF counts as two."""
    return len(text) if text.isascii() else len(text) + len(_ASTRAL.findall(text))


def utf16_offsets(text: str) -> Sequence[int]:
    """For each of the n + 1 boundaries between code points, its offset in UTF-16 units."""
    if not _ASTRAL.search(text):
        return range(len(text) + 1)
    return list(accumulate((1 + (character > "\uffff") for character in text), initial=0))


class Utf16Text:
    """A text that is measured and sliced in UTF-16 units."""

    def __init__(self, text: str) -> None:
        """Encode the text once, so that many slices of a long text stay cheap."""
        self._text = text
        # A lone surrogate is a unit like any other, as in Java.
        self._units = text.encode("utf-16-le", "surrogatepass") if _ASTRAL.search(text) else None

    def __len__(self) -> int:
        return len(self._text) if self._units is None else len(self._units) // 2

    def slice(self, start: int, end: int) -> str:
        """The text from unit `start` up to unit `end`, which is not included."""
        if self._units is None:
            return self._text[start:end]
        return self._units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")


def float_string(value: np.float32) -> str:
    """A probability as `Float.toString` writes it: `0.5`, `1.0`, `9.1E-4`, `2.0E-5`.

    The digits are the fewest that give the same float32, as in Java 19 and newer. Older Javas
    sometimes write one more, but did so for none of 180,000 softmax outputs (Java 17).

    Args:
        value: from 0 to 1. (Below 1e-43 float32 has so few digits that Java adds one.)
    """
    text = str(value)  # NumPy has the same digits, but leaves decimal notation below 1e-4
    if "e" in text:
        digits, exponent = text.split("e")
        return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"
    if text.startswith("0.000"):  # and Java below 1e-3
        return f"{text[5]}.{text[6:] or '0'}E-4"
    return text
