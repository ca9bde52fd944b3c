"""Tags from logits, entities from tags."""

from __future__ import annotations

import numpy as np
import pytest

from minner.decoding.assembler import Assembler, WordTags
from minner.decoding.entities import entities
from minner.decoding.reading import Reading
from minner.decoding.softmax import softmax
from minner.decoding.strategies import STRATEGIES
from minner.entity import Entity
from minner.options import Options
from minner.text.inputs import Source
from minner.text.windows import Plan
from minner.text.wordpieces import Wordpieces
from minner.text.words import split_words

LABELS = ("O", "B-PER", "I-PER")
TEXT = "Ann Lee met Bob"


def scores(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def test_softmax() -> None:
    rows = scores(0, np.log(3), 1000, 1000, -1000, 0).reshape(3, 2)
    np.testing.assert_allclose(softmax(rows), [[0.25, 0.75], [0.5, 0.5], [0, 1]], rtol=1e-6)
    assert softmax(rows).dtype == np.float32


def word_tags(logits: np.ndarray, seen: list[int]) -> WordTags:
    """What the default rules make of the logits of the first wordpieces of words."""
    wordpieces = Wordpieces(np.ones(len(seen), dtype=np.int32), np.array(seen, dtype=np.intp))
    reading = Reading(Plan(wordpieces, [], 0), np.arange(len(seen)), softmax(logits))
    return Assembler(Options(), LABELS).word_tags(reading)


def test_a_word_has_the_tag_of_its_first_wordpiece() -> None:
    logits = np.log(scores(0.1, 0.7, 0.2, 0.2, 0.2, 0.6, 0.5, 0.3, 0.2).reshape(3, 3))
    found = word_tags(logits, [0, 2, 3])
    assert (found.words.tolist(), found.tags) == ([0, 2, 3], ["B-PER", "I-PER", "O"])
    np.testing.assert_allclose(found.scores, [0.7, 0.6, 0.5], rtol=1e-6)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("decoder", ["conlleval", "viterbi"])
@pytest.mark.parametrize("count", [0, 3])
def test_words_without_wordpieces_are_outside(decoder: str, strategy: str, count: int) -> None:
    nothing = Wordpieces(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.intp))
    rows = np.empty(0, dtype=np.intp), np.empty((0, 3), dtype=np.float32)
    assembler = Assembler(Options(decoder=decoder, word_strategy=strategy), LABELS)
    source = Source("", [(0, 0)] * count)
    assert assembler.tags(source, Reading(Plan(nothing, [], 0), *rows)) == ["O"] * count


def test_of_equal_logits_the_first_label_wins() -> None:
    assert word_tags(np.zeros((1, 3), dtype=np.float32), [0]).tags == ["O"]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O O O O", []),
        ("B-PER I-PER O B-PER", ["PER:Ann Lee", "PER:Bob"]),  # IOB2
        ("I-PER I-PER O I-PER", ["PER:Ann Lee", "PER:Bob"]),  # IOB1
        ("I-PER B-PER O O", ["PER:Ann", "PER:Lee"]),
        ("B-PER I-ORG O O", ["PER:Ann", "ORG:Lee"]),
        ("O O I-PER I-PER", ["PER:met Bob"]),
        ("B-work-of-art I-work-of-art O O", ["work-of-art:Ann Lee"]),
        ("PER LABEL_1 O O", []),
    ],
)
def test_entities(tags: str, expected: list[str]) -> None:
    found = entities(TEXT, split_words(TEXT), tags.split(), scores(1, 1, 1, 1))
    assert [f"{entity.label}:{entity.text}" for entity in found] == expected
    assert all(TEXT[entity.start : entity.end] == entity.text for entity in found)


def test_the_score_is_the_mean_over_the_words() -> None:
    found = entities(
        TEXT, split_words(TEXT), ["B-PER", "I-PER", "O", "B-PER"], scores(0.5, 1, 0.1, 0.25)
    )
    assert found == [Entity("Ann Lee", "PER", 0, 7, 0.75), Entity("Bob", "PER", 12, 15, 0.25)]
    assert all(type(entity.score) is float for entity in found)


def test_an_entity_is_frozen_and_hashable() -> None:
    entity = Entity("Bob", "PER", 0, 3, 0.5)
    with pytest.raises(AttributeError):
        entity.label = "ORG"  # type: ignore[misc]
    assert len({entity, Entity("Bob", "PER", 0, 3, 0.5)}) == 1
