"""Word strategies: how the wordpieces of a word share in its probabilities.

`first`, `average` and `max` are those of Hugging Face's token classification pipeline, over the
words that the wordpieces truly belong to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Starts = NDArray[np.intp]


def first(probabilities: Floats, starts: Starts) -> Floats:
    """The probabilities of a word's first wordpiece.

    Args:
        probabilities: float32 `[n, C]`, the probabilities of each wordpiece.
        starts: int `[w]`, the first wordpiece of each word, increasing from 0; a word ends where
            the next begins.

    Returns:
        float32 `[w, C]`, a row per word.
    """
    return probabilities if len(starts) == len(probabilities) else probabilities[starts]


def average(probabilities: Floats, starts: Starts) -> Floats:
    """The mean over a word's wordpieces; arguments and result as for `first`."""
    sizes = np.diff(starts, append=len(probabilities))[:, None].astype(np.float32)
    return np.asarray(np.add.reduceat(probabilities, starts, axis=0) / sizes)


def maximum(probabilities: Floats, starts: Starts) -> Floats:
    """The probabilities of a word's surest wordpiece; arguments and result as for `first`.

    That is the one whose highest probability is the highest; of equals, the first.
    """
    top = probabilities.max(axis=1)
    word = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(probabilities)))
    surest = np.flatnonzero(top == np.maximum.reduceat(top, starts)[word])
    _, where = np.unique(word[surest], return_index=True)
    return probabilities[surest[where]]


class Strategy(NamedTuple):
    """A rule by which the wordpieces of a word share in its probabilities.

    Attributes:
        share: from the probabilities of wordpieces to those of words, such as `average`.
        all_rows: whether it looks at every wordpiece, not only at the first of a word.
    """

    share: Callable[[Floats, Starts], Floats]
    all_rows: bool

    def __call__(self, probabilities: Floats, starts: Starts) -> Floats:
        """The probabilities of words; arguments and result as for `first`."""
        return self.share(probabilities, starts)


STRATEGIES = {
    "first": Strategy(first, all_rows=False),
    "average": Strategy(average, all_rows=True),
    "max": Strategy(maximum, all_rows=True),
}
"""Strategies by the name that `minner.load` takes."""
