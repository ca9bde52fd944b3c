"""Word strategies: how the pieces of a word share in its probabilities.

`first`, `average` and `max` are those of Hugging Face's token classification pipeline, over the
words that the pieces truly belong to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minner.decoding.softmax import softmax

Floats = NDArray[np.float32]
Starts = NDArray[np.intp]


def first(logits: Floats, starts: Starts) -> Floats:
    """The probabilities of a word's first piece.

    Args:
        logits: float32 `[n, C]`, a row per piece.
        starts: int `[w]`, the first piece of each word, increasing from 0; a word ends where the
            next begins.

    Returns:
        float32 `[w, C]`, a row per word.
    """
    return softmax(logits[starts])


def average(logits: Floats, starts: Starts) -> Floats:
    """The mean of the probabilities of a word's pieces; arguments and result as for `first`."""
    sizes = np.diff(starts, append=len(logits))[:, None].astype(np.float32)
    return np.asarray(np.add.reduceat(softmax(logits), starts, axis=0) / sizes)


def maximum(logits: Floats, starts: Starts) -> Floats:
    """The probabilities of a word's surest piece; arguments and result as for `first`.

    That is the piece whose highest probability is the highest; of equals, the first.
    """
    probabilities = softmax(logits)
    top = probabilities.max(axis=1)
    word = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(logits)))
    surest = np.flatnonzero(top == np.maximum.reduceat(top, starts)[word])
    _, where = np.unique(word[surest], return_index=True)
    return probabilities[surest[where]]


@dataclass(frozen=True, slots=True)
class Strategy:
    """A rule by which the wordpieces of a word share in its probabilities.

    Attributes:
        share: from the logits of wordpieces to the probabilities of words, such as `average`.
        all_rows: whether it needs the logits of every wordpiece, not only of the first of a word.
    """

    share: Callable[[Floats, Starts], Floats]
    all_rows: bool

    def __call__(self, logits: Floats, starts: Starts) -> Floats:
        """The probabilities of words; arguments and result as for `first`."""
        return self.share(logits, starts)


STRATEGIES = {
    "first": Strategy(first, all_rows=False),
    "average": Strategy(average, all_rows=True),
    "max": Strategy(maximum, all_rows=True),
}
"""Strategies by the name that `minner.load` takes."""
