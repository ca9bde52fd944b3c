"""From wordpieces and their probabilities to entities, by the rules of Hugging Face transformers.

The rules are those of `TokenClassificationPipeline` in transformers 5.23. An entity is a plain
dictionary with the keys of that pipeline, in its order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Entities = list[dict[str, Any]]
Join = Callable[[list[str]], str]

WORD_SCORES: dict[str, Callable[[Floats], Floats]] = {
    "first": lambda rows: rows[0],
    "average": lambda rows: rows.mean(axis=0),
    "max": lambda rows: rows[rows.max(axis=1).argmax()],
}
"""The strategies that label whole words: from the probabilities of a word's n wordpieces, `[n, C]`,
to its own, `[C]`."""


class AggregationStrategy(str, Enum):
    """How wordpieces become entities; every argument takes these as well as their names."""

    NONE = "none"
    SIMPLE = "simple"
    FIRST = "first"
    AVERAGE = "average"
    MAX = "max"


STRATEGIES = tuple(strategy.value for strategy in AggregationStrategy)


class Wordpiece(NamedTuple):
    """A wordpiece, or the word that several were joined to.

    Attributes:
        word: the wordpiece as the vocabulary writes it; where it is unknown, the text itself.
        start: where it begins in the text, in code points.
        end: where it ends, exclusive.
        continues: whether it belongs to the word of the wordpiece before it.
    """

    word: str
    start: int
    end: int
    continues: bool


def aggregate(
    wordpieces: Sequence[Wordpiece],
    probabilities: Floats,
    labels: Sequence[str],
    strategy: str,
    join: Join,
) -> Entities:
    """The entities of one window, those labelled `O` among them.

    Args:
        wordpieces: of the window, without special tokens.
        probabilities: float32 `[n, C]`, a row per wordpiece.
        labels: C label strings.
        strategy: one of STRATEGIES. `none` gives every wordpiece; `simple` groups wordpieces by
            their labels; `first`, `average` and `max` join wordpieces to words and group those.
        join: makes the text of several wordpieces.
    """
    if not wordpieces:
        return []
    if strategy in WORD_SCORES:
        wordpieces, probabilities = _words(wordpieces, probabilities, WORD_SCORES[strategy], join)
    tags = [labels[best] for best in probabilities.argmax(axis=1).tolist()]
    scores = probabilities.max(axis=1)
    if strategy == "none":
        return [
            # The [CLS] of the window has index 0.
            {"entity": tag, "score": score, "index": index, **_place(one.word, [one])}
            for index, (tag, score, one) in enumerate(zip(tags, scores, wordpieces, strict=True), 1)
        ]
    return [
        {
            # What follows the first hyphen, even where there is no B- or I-: `of-art` for
            # `work-of-art`.
            "entity_group": tags[first].split("-", 1)[-1],
            "score": scores[first:end].mean(),
            **_place(join([one.word for one in wordpieces[first:end]]), wordpieces[first:end]),
        }
        for first, end in pairwise([*_group_starts(tags), len(tags)])
    ]


def merge_windows(entities: Iterable[dict[str, Any]]) -> Entities:
    """Join what was found in overlapping windows of one text.

    Of entities that overlap the longest stays, or the surest of equally long ones, whatever
    their labels. An overlap is with the entity kept last, in the order of their starts.
    """
    kept: Entities = []
    for entity in sorted(entities, key=lambda entity: entity["start"]):
        if not kept or entity["start"] >= kept[-1]["end"]:
            kept.append(entity)
        elif _rank(entity) > _rank(kept[-1]):
            kept[-1] = entity
    return kept


def _words(
    wordpieces: Sequence[Wordpiece],
    probabilities: Floats,
    scores: Callable[[Floats], Floats],
    join: Join,
) -> tuple[list[Wordpiece], Floats]:
    """Join each wordpiece to those that continue its word. The first of a window opens a word."""
    starts = [i for i, wordpiece in enumerate(wordpieces) if i == 0 or not wordpiece.continues]
    words, rows = [], []
    for first, end in pairwise([*starts, len(wordpieces)]):
        parts = wordpieces[first:end]
        text = join([part.word for part in parts])
        words.append(Wordpiece(text, parts[0].start, parts[-1].end, continues=False))
        rows.append(scores(probabilities[first:end]))
    return words, np.stack(rows)


def _group_starts(tags: Sequence[str]) -> list[int]:
    """Where groups start: at each `B-`, and where the type changes. `O` forms groups as well."""
    split = [_split(tag) for tag in tags]
    changes = (
        i for i in range(1, len(tags)) if split[i][0] == "B" or split[i][1] != split[i - 1][1]
    )
    return [0, *changes]


def _split(tag: str) -> tuple[str, str]:
    """Prefix and type of a tag; one without `B-` or `I-` reads as if it had `I-`."""
    return (tag[0], tag[2:]) if tag.startswith(("B-", "I-")) else ("I", tag)


def _place(word: str, wordpieces: Sequence[Wordpiece]) -> dict[str, Any]:
    return {"word": word, "start": wordpieces[0].start, "end": wordpieces[-1].end}


def _rank(entity: dict[str, Any]) -> tuple[int, float]:
    return entity["end"] - entity["start"], entity["score"]
