"""What went wrong: each wrong phrase by kind, and which labels are taken for which.

Every phrase of the gold and every phrase found is counted exactly once. In each sentence, phrases
of the two sides are paired, from left to right and in this order of kinds:

    correct   the same words, the same label
    type      the same words, another label
    boundary  overlapping words, the same label
    both      overlapping words, another label

What then stays alone is `missed` in the gold, and `spurious` in the guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from minner.decoding.chunks import Chunk
from minner.scoring.counts import Phrases

PAIRED = ("correct", "type", "boundary", "both")
MISSED, SPURIOUS = "missed", "spurious"


class Mistakes(NamedTuple):
    """Counts of phrases.

    Attributes:
        kinds: by (kind, label), the label being the gold's, but for `spurious` the guess's.
        pairs: by (gold label, found label); None stands where a missed or a spurious phrase has
            no partner.
    """

    kinds: Counter[tuple[str, str]]
    pairs: Counter[tuple[str | None, str | None]]


def count_mistakes(phrases: Sequence[Phrases]) -> Mistakes:
    """Sort the phrases of all sentences into kinds."""
    kinds, pairs = Mistakes(Counter(), Counter())
    for gold, guess in phrases:
        alone, free = list(gold), list(guess)
        for kind, wanted, got in _take_pairs(alone, free):
            kinds[kind, wanted.label] += 1
            pairs[wanted.label, got.label] += 1
        for wanted in alone:
            kinds[MISSED, wanted.label] += 1
            pairs[wanted.label, None] += 1
        for got in free:
            kinds[SPURIOUS, got.label] += 1
            pairs[None, got.label] += 1
    return Mistakes(kinds, pairs)


def _take_pairs(gold: list[Chunk], guess: list[Chunk]) -> Iterator[tuple[str, Chunk, Chunk]]:
    """Pair the phrases of one sentence, and remove those that have a partner from the lists."""
    for kind in PAIRED:
        for wanted in list(gold):
            got = next((found for found in guess if _kind(wanted, found) == kind), None)
            if got is not None:
                gold.remove(wanted)
                guess.remove(got)
                yield kind, wanted, got


def _kind(wanted: Chunk, found: Chunk) -> str | None:
    same_label = wanted.label == found.label
    if wanted[1:] == found[1:]:
        return "correct" if same_label else "type"
    if wanted.first <= found.last and found.first <= wanted.last:
        return "boundary" if same_label else "both"
    return None
