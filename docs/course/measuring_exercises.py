"""The exercises of part three, measuring."""

from __future__ import annotations

from typing import Any

import measuring_answers as answers
import numpy as np
from exercise import Exercise


def _rounds(rounds: int, calls: int, seed: int) -> tuple[Any, Any]:
    """Seconds of two programs on a machine that is busy in some rounds."""
    random = np.random.default_rng(seed)
    busy = random.choice([1.0, 1.6, 2.5], (rounds, 1))
    tail = 1 + random.exponential(0.2, (2, rounds, calls))
    return 0.010 * busy * tail[0], 0.012 * busy * tail[1]


def _counts(sentences: int, corpora: int, seed: int) -> tuple[Any, Any, Any]:
    random = np.random.default_rng(seed)
    names = random.poisson(2, sentences)
    draws = random.integers(0, sentences, (corpora, sentences))
    draws[:, 0] = names.argmax()  # no corpus is without names
    return random.binomial(names, 0.8), 2 * names, draws


ANNA, ROME, ACME = ("PER", 0, 1), ("LOC", 4, 4), ("ORG", 4, 4)

MEASURING_EXERCISES = {
    "median_ratio": Exercise(
        "median_ratio",
        [_rounds(9, 5, 1), _rounds(4, 3, 2), _rounds(11, 4, 3)],
        answers.median_ratio,
        {
            "That is how many times as long ours takes: divide theirs by ours.": (
                lambda ours, theirs: answers.median_ratio(theirs, ours)
            ),
            "Divide within each round first: your two medians come from different moments.": (
                answers.ratio_of_medians
            ),
            "Take the median of the ratios: one bad round moves the mean.": answers.mean_ratio,
            "Within a round, take the median over calls: the least time is a record.": (
                lambda *case: answers.median_ratio(*case, middle=np.min)
            ),
            "Within a round, take the median over calls: the mean follows the tail.": (
                lambda *case: answers.median_ratio(*case, middle=np.mean)
            ),
        },
    ),
    "f1_score": Exercise(
        "f1_score",
        [
            ([[ANNA, ROME], [ANNA]], [[ANNA], []]),
            ([[ROME]], [[ACME]]),
            ([[ANNA], [ROME, ANNA], []], [[ROME], [ANNA], [ACME]]),
            ([[ROME]], [[ROME]]),
            ([[], []], [[], []]),
        ],
        answers.f1_score,
        {
            "A name is correct where its label agrees, too.": lambda *case: answers.f1_score(
                *case, extent_alone=True
            ),
            "A name of one sentence is not that of another: compare sentence by sentence.": (
                answers.pooled_f1
            ),
            "Add up the counts of all sentences first, then divide once.": answers.mean_f1,
            "That is the precision: a name that was not found must cost something.": (
                answers.precision
            ),
        },
    ),
    "f1_interval": Exercise(
        "f1_interval",
        [_counts(30, 200, 1), _counts(12, 100, 2)],
        answers.f1_interval,
        {
            "Add up the counts of a drawn corpus first, then divide once.": (
                answers.interval_of_sentences
            ),
            "The middle 95 % lie between the 2.5th and the 97.5th percentile.": (
                lambda *case: answers.f1_interval(*case, edges=(0.05, 0.95))
            ),
        },
    ),
}
"""The name of an exercise -> it."""
