"""What a model made of a document: what decoding starts from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.text.windows import Plan
from minner.text.wordpieces import Indices


class Best(NamedTuple):
    """The most probable labels of some wordpieces: 6 bytes of each, whatever C is.

    Attributes:
        classes: uint16 `[r]`.
        scores: float32 `[r]`, their probabilities.
    """

    classes: NDArray[np.uint16]
    scores: NDArray[np.float32]

    @staticmethod
    def empty(count: int) -> Best:
        """Room for `count` wordpieces."""
        return Best(np.empty(count, dtype=np.uint16), np.empty(count, dtype=np.float32))

    def part(self, start: int, end: int) -> Best:
        """Those of some wordpieces."""
        return Best(self.classes[start:end], self.scores[start:end])

    def write(self, start: int, probabilities: NDArray[np.float32]) -> None:
        """Take the best of each row of `[n, C]`, for wordpieces from `start` on."""
        classes = probabilities.argmax(axis=1)
        self.classes[start : start + len(classes)] = classes
        self.scores[start : start + len(classes)] = probabilities.max(axis=1)


class Reading(NamedTuple):
    """The probabilities of some of a document's wordpieces.

    Attributes:
        plan: what the model saw, and how.
        rows: int `[r]`, ascending, which wordpieces these are: all, or the first of each word.
        probabilities: float32 `[r, C]`, of all labels; `[0, C]` if only the best were asked for.
        best: the best, if only they were asked for.
    """

    plan: Plan
    rows: Indices
    probabilities: NDArray[np.float32]
    best: Best | None = None
