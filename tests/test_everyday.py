"""What the embedded model makes of sentences as people write them."""

from __future__ import annotations

from everyday import read_list, read_sentence


def test_the_list_is_read_as_it_is_marked() -> None:
    text, names = read_sentence("{Ana|PER} left {New York|LOC}.")
    assert text == "Ana left New York."
    assert names == [(0, 3, "PER"), (9, 17, "LOC")]


def test_the_list_holds_two_hundred_different_sentences() -> None:
    sentences = read_list()
    assert len(sentences) == len({text for text, _ in sentences}) == 200
    assert not any(mark in text for text, _ in sentences for mark in "{|}")
    kinds = {kind for _, names in sentences for _, _, kind in names}
    assert kinds == {"PER", "LOC", "ORG", "MISC"}
    assert sum(not names for _, names in sentences) >= 50
