"""Right answers to the exercises of part three, and those of usual mistakes.

An argument that is not the reader's asks for a mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def median_ratio(ours: Any, theirs: Any, middle: Callable[..., Any] = np.median) -> float:
    """The median over rounds of the ratio of the medians within a round."""
    return float(np.median(middle(theirs, axis=1) / middle(ours, axis=1)))


def ratio_of_medians(ours: Any, theirs: Any) -> float:
    """The ratio of two numbers that come from different moments."""
    return float(np.median(np.median(theirs, axis=1)) / np.median(np.median(ours, axis=1)))


def mean_ratio(ours: Any, theirs: Any) -> float:
    """The mean over rounds, which one bad round can move."""
    return float(np.mean(np.median(theirs, axis=1) / np.median(ours, axis=1)))


def f1_score(gold: Any, guess: Any, extent_alone: bool = False) -> float:
    """Micro F1 of names; `extent_alone` does not look at labels."""
    start = 1 if extent_alone else 0
    pairs = [
        ({name[start:] for name in one}, {name[start:] for name in other})
        for one, other in zip(gold, guess, strict=True)
    ]
    names = sum(len(one) + len(other) for one, other in pairs)
    return 2 * sum(len(one & other) for one, other in pairs) / names if names else 0.0


def pooled_f1(gold: Any, guess: Any) -> float:
    """Forgets which sentence a name is in."""
    one, other = ({name for names in side for name in names} for side in (gold, guess))
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 0.0


def mean_f1(gold: Any, guess: Any) -> float:
    """The mean of the sentences' F1."""
    scores = [f1_score([one], [other]) for one, other in zip(gold, guess, strict=True)]
    return float(np.mean(scores)) if scores else 0.0


def precision(gold: Any, guess: Any) -> float:
    """Of what was found, how much is right."""
    found = sum(map(len, guess))
    right = sum(len({*one} & {*other}) for one, other in zip(gold, guess, strict=True))
    return right / found if found else 0.0


def f1_interval(
    correct: Any, total: Any, draws: Any, edges: tuple[float, float] = (0.025, 0.975)
) -> tuple[float, float]:
    """Percentiles of the F1 of drawn corpora."""
    scores = 2 * correct[draws].sum(axis=1) / total[draws].sum(axis=1)
    low, high = np.quantile(scores, edges)
    return float(low), float(high)


def interval_of_sentences(correct: Any, total: Any, draws: Any) -> tuple[float, float]:
    """Means of the sentences' F1 instead of the F1 of the corpus."""
    each = 2 * correct / np.maximum(total, 1)
    low, high = np.quantile(each[draws].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
