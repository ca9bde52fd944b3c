"""Offsets in other units than Python's.

UTF-8 bytes are what Rust and Go count in, UTF-16 units what Java and JavaScript do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_WIDER_FROM = {"codepoints": (), "utf8": (0x80, 0x800, 0x10000), "utf16": (0x10000,)}
"""Unit -> the code points from which a character takes one unit more."""

UNITS = tuple(_WIDER_FROM)


def unit_offsets(text: str, unit: str) -> Sequence[int]:
    """Count the units before every place of a text.

    Args:
        text: any string; a lone surrogate counts as the three bytes or the one unit that Python's
            `surrogatepass` would write.
        unit: one of UNITS.

    Returns:
        `len(text) + 1` numbers: the offset in units by the offset in code points.
    """
    if not _WIDER_FROM[unit] or text.isascii():
        return range(len(text) + 1)
    characters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    widths = np.ones(len(text) + 1, dtype=np.int64)
    widths[0] = 0
    for code_point in _WIDER_FROM[unit]:
        widths[1:] += characters >= code_point
    offsets: list[int] = np.cumsum(widths).tolist()
    return offsets
