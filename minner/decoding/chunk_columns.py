"""conlleval's rule over arrays: the chunks of many texts at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.decoding.chunks import CLOSING, OPENING, OUTSIDE, split_tag
from minner.decoding.schemes import are_bare, with_prefixes

Places = NDArray[np.intp]


class Chunks(NamedTuple):
    """c chunks, in order.

    Attributes:
        labels: int `[c]`, each a place in `ChunkRule.labels`.
        first: int `[c]`, the first word of each.
        last: int `[c]`, the last, inclusive.
    """

    labels: Places
    first: Places
    last: Places


class ChunkRule:
    """`conlleval_chunks` for tags that are given as classes of a model.

    Attributes:
        labels: those that chunks can have.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        """Take the model's C labels, by class index."""
        tags = [*map(split_tag, with_prefixes(labels) if are_bare(labels) else labels)]
        self.labels = [*dict.fromkeys(tag[1] for tag in tags if tag != OUTSIDE)]
        places = {label: place for place, label in enumerate(self.labels)}
        self._label = np.array(
            [-1 if tag == OUTSIDE else places[tag[1]] for tag in tags], dtype=np.intp
        )
        self._opens = np.array([tag[0] in OPENING for tag in tags])
        self._closes = np.array([tag[0] in CLOSING for tag in tags])

    def __call__(self, classes: NDArray[np.integer[Any]], bounds: Places) -> Chunks:
        """The chunks of D texts.

        Args:
            classes: int `[w]`, the class of each word of all texts.
            bounds: int `[D + 1]`, where the words of each text begin, and the end.
        """
        label = self._label[classes]
        new = self._opens[classes]  # whether a word, if it is inside, begins a chunk
        new[1:] |= (label[1:] != label[:-1]) | self._closes[classes[:-1]]
        new[bounds[:-1][bounds[:-1] < len(new)]] = True
        inside = label >= 0
        goes_on = inside & ~new
        first = (inside & new).nonzero()[0]
        last = (inside & ~np.append(goes_on[1:], False)).nonzero()[0]
        return Chunks(label[first], first, last)
