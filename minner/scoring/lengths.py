"""Scores by sentence length: do long sentences suffer, or headlines?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from minner.scoring.counts import Corpus, Counts, Phrases, count_phrases, total

SHORTEST = (1, 6, 11, 21, 31, 51)
"""Words of the shortest sentence of each group."""


class Group(NamedTuple):
    """The sentences of `shortest` to `longest` words (None: of any number), and their phrases."""

    shortest: int
    longest: int | None
    sentences: int
    phrases: Counts


def by_length(gold: Corpus, phrases: Sequence[Phrases]) -> list[Group]:
    """Count the phrases of the sentences in each range of lengths that there is.

    Args:
        gold: tags, whose number is the length of a sentence.
        phrases: of the same sentences.
    """
    longest = [*(shortest - 1 for shortest in SHORTEST[1:]), None]
    groups = []
    for low, high in zip(SHORTEST, longest, strict=True):
        ours = [
            sentence
            for tags, sentence in zip(gold, phrases, strict=True)
            if low <= len(tags) and (high is None or len(tags) <= high)
        ]
        if ours:
            groups.append(Group(low, high, len(ours), total(count_phrases(ours))))
    return groups
