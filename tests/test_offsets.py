"""Offsets in other units, against what the encodings say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minner.text.offsets import UNITS, unit_offsets

CODECS = {"codepoints": ("utf-32-le", 4), "utf8": ("utf-8", 1), "utf16": ("utf-16-le", 2)}


def encoded_length(text: str, unit: str) -> int:
    codec, width = CODECS[unit]
    return len(text.encode(codec, "surrogatepass")) // width


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("codepoints", [0, 1, 2, 3, 4, 5]),
        ("utf8", [0, 1, 3, 6, 10, 13]),
        ("utf16", [0, 1, 2, 3, 5, 6]),
    ],
)
def test_table(unit: str, expected: list[int]) -> None:
    assert list(unit_offsets("aé€👍\ud800", unit)) == expected
    assert list(unit_offsets("", unit)) == [0]


@given(st.text(alphabet=st.characters()), st.sampled_from(UNITS))
def test_any_text(text: str, unit: str) -> None:
    expected = [encoded_length(text[:place], unit) for place in range(len(text) + 1)]
    assert list(unit_offsets(text, unit)) == expected


@pytest.mark.parametrize("edge", [0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF])
@pytest.mark.parametrize("unit", UNITS)
def test_the_edges_of_the_ranges(edge: int, unit: str) -> None:
    assert unit_offsets(chr(edge), unit)[1] == encoded_length(chr(edge), unit)
