"""What a model made of a document: what decoding starts from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.text.windows import Plan
from minner.text.wordpieces import Indices


class Reading(NamedTuple):
    """The probabilities of some of a document's wordpieces.

    Attributes:
        plan: what the model saw, and how.
        rows: int `[r]`, ascending, which wordpieces these are: all, or the first of each word.
        probabilities: float32 `[r, C]`, of all labels.
    """

    plan: Plan
    rows: Indices
    probabilities: NDArray[np.float32]
