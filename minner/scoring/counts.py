"""The counts behind every score, and the scores that follow from them.

    precision = correct / found      recall = correct / gold      F1 = 2 correct / (gold + found)

Three counts for each name, a tag or the label of a phrase: how many are in the gold, how many were
found, how many of those are correct. A score with nothing to divide by is 0, as all references
print it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minner.decoding.chunks import Chunk, conlleval_chunks

Corpus = Sequence[Sequence[str]]
Phrases = tuple[list[Chunk], list[Chunk]]
"""The phrases of one sentence: those of the gold, those of the guess."""


class Scores(NamedTuple):
    """Precision, recall and F1, from 0 to 1."""

    precision: float
    recall: float
    f1: float


class Counts(NamedTuple):
    """How many of one name are in the gold, were found, and were found correctly."""

    gold: int
    found: int
    correct: int

    def scores(self) -> Scores:
        """Return the three fractions that follow from the counts."""
        return Scores(
            precision=ratio(self.correct, self.found),
            recall=ratio(self.correct, self.gold),
            f1=ratio(2 * self.correct, self.gold + self.found),
        )


# --- counting -----------------------------------------------------------------------------------


def count_tags(gold: Corpus, guess: Corpus) -> dict[str, Counts]:
    """Count the words of each tag; correct where gold and guess are the same tag."""
    in_gold: Counter[str] = Counter()
    found: Counter[str] = Counter()
    correct: Counter[str] = Counter()
    for gold_tags, guess_tags in zip(gold, guess, strict=True):
        in_gold.update(gold_tags)
        found.update(guess_tags)
        correct.update(a for a, b in zip(gold_tags, guess_tags, strict=True) if a == b)
    return _by_name(in_gold, found, correct)


def read_phrases(
    gold: Corpus,
    guess: Corpus,
    chunks: Callable[[Sequence[str]], list[Chunk]] = conlleval_chunks,
) -> list[Phrases]:
    """Return the phrases of each sentence, as the rule `chunks` reads its tags."""
    return [(chunks(a), chunks(b)) for a, b in zip(gold, guess, strict=True)]


def count_phrases(phrases: Sequence[Phrases]) -> dict[str, Counts]:
    """Count the phrases of each label; correct where label, first word and last word agree."""
    in_gold: Counter[str] = Counter()
    found: Counter[str] = Counter()
    correct: Counter[str] = Counter()
    for gold_chunks, guess_chunks in phrases:
        in_gold.update(chunk.label for chunk in gold_chunks)
        found.update(chunk.label for chunk in guess_chunks)
        correct.update(chunk.label for chunk in set(gold_chunks) & set(guess_chunks))
    return _by_name(in_gold, found, correct)


def _by_name(gold: Counter[str], found: Counter[str], correct: Counter[str]) -> dict[str, Counts]:
    """Join the counts of every name that either side has, sorted by name."""
    names = sorted(gold.keys() | found.keys())
    return {name: Counts(gold[name], found[name], correct[name]) for name in names}


def without_o(tags: Mapping[str, Counts]) -> dict[str, Counts]:
    """Leave out the words outside of phrases."""
    return {tag: counts for tag, counts in tags.items() if tag != "O"}


# --- over several names -------------------------------------------------------------------------


def total(names: Mapping[str, Counts]) -> Counts:
    """Sum the counts of all names."""
    return Counts(
        gold=sum(counts.gold for counts in names.values()),
        found=sum(counts.found for counts in names.values()),
        correct=sum(counts.correct for counts in names.values()),
    )


def average(scores: Sequence[Scores], weights: Sequence[int]) -> Scores:
    """Average each of the three scores; 0 where nothing has any weight."""
    if not any(weights):
        return Scores(0.0, 0.0, 0.0)
    # NumPy's average sums in the same order as scikit-learn and seqeval, which call it: the same
    # bits.
    return Scores(*(float(np.average(s, weights=weights)) for s in zip(*scores, strict=True)))


def ratio(part: float, whole: float) -> float:
    """Divide; by nothing, give 0."""
    return part / whole if whole else 0.0
