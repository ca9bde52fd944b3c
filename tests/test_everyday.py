"""What the embedded model makes of sentences as people write them."""

from __future__ import annotations

from everyday import Name, misread, read_list, read_sentence
from minner.tagger import Tagger


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


def test_most_sentences_are_wholly_right(embedded: Tagger) -> None:
    """188 of 200, as MODEL_CARD.md says; a CPU that rounds differently may lose one or two."""

    def names_of(text: str) -> list[Name]:
        return [(entity.start, entity.end, entity.label) for entity in embedded(text)]

    wrong = misread(names_of)
    assert 1 - len(wrong) / len(read_list()) >= 0.93, wrong


def test_the_mark_after_a_name_is_no_part_of_it(embedded: Tagger) -> None:
    assert [entity.text for entity in embedded("My name is John!")] == ["John"]
