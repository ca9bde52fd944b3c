"""How far F1 would move on another sample of sentences: bootstrap intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.scoring.counts import Phrases, count_phrases

RESAMPLES = 10_000
SEED = 0
LEVEL = 0.95

_DRAWS_AT_ONCE = 1 << 20
"""Bounds the memory: 8 bytes for each drawn sentence, a few times over."""


class Interval(NamedTuple):
    """Where the middle `LEVEL` of the resampled scores lie."""

    low: float
    high: float


class Intervals(NamedTuple):
    """The interval of the F1 over all phrases, and of each label's F1."""

    overall: Interval
    labels: dict[str, Interval]


def f1_intervals(
    phrases: Sequence[Phrases], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Intervals:
    """Compute 95 % intervals of F1 by the percentile bootstrap.

    Each resample draws as many sentences as there are, with replacement, and computes F1 anew; the
    interval runs from the 2.5th to the 97.5th percentile. It says how much a score owes to the
    choice of test sentences, taken as independent of each other; not how much to the training.

    Args:
        phrases: of at least one sentence.
        resamples: how many corpora to draw.
        seed: of the draws; the same seed gives the same intervals.
    """
    labels, counts = _sentence_counts(phrases)
    scores = np.concatenate([_f1(sums) for sums in _resampled(counts, resamples, seed)])
    edge = (1 - LEVEL) / 2
    low, high = np.quantile(scores, [edge, 1 - edge], axis=0)
    overall, *each = (Interval(*pair) for pair in zip(low.tolist(), high.tolist(), strict=True))
    return Intervals(overall, dict(zip(labels, each, strict=True)))


def _sentence_counts(phrases: Sequence[Phrases]) -> tuple[list[str], NDArray[np.float64]]:
    """Return the labels, and counts `[sentences, 1 + labels, 2]`, first those over all labels.

    The last axis holds all that F1 needs: correct, and gold + found.
    """
    labels = list(count_phrases(phrases))
    place = {label: column for column, label in enumerate(labels, start=1)}
    counts = np.zeros((len(phrases), 1 + len(labels), 2))
    for row, sentence in zip(counts, phrases, strict=True):
        for label, ours in count_phrases([sentence]).items():
            row[place[label]] = ours.correct, ours.gold + ours.found
    counts[:, 0] = counts.sum(axis=1)
    return labels, counts


def _resampled(
    counts: NDArray[np.float64], resamples: int, seed: int
) -> Iterator[NDArray[np.float64]]:
    """Yield the counts of resampled corpora, `[some, 1 + labels, 2]` at a time.

    A corpus is the number of times that each sentence was drawn, so its counts are one row of a
    matrix product; whole numbers this small are exact in float64.
    """
    random = np.random.default_rng(seed)
    sentences = len(counts)
    at_once = max(1, _DRAWS_AT_ONCE // sentences)
    for start in range(0, resamples, at_once):
        n = min(at_once, resamples - start)
        drawn = random.integers(sentences, size=(n, sentences))
        drawn += sentences * np.arange(n)[:, None]
        times = np.bincount(drawn.ravel(), minlength=n * sentences).reshape(n, sentences)
        yield (times @ counts.reshape(sentences, -1)).reshape(n, *counts.shape[1:])


def _f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 2 correct / (gold + found), 0 where a resample has neither gold nor found."""
    correct, whole = sums[..., 0], sums[..., 1]
    return np.divide(2 * correct, whole, out=np.zeros_like(whole), where=whole > 0)
