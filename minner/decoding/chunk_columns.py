"""conlleval's rule over arrays: the chunks of many texts at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.decoding.chunks import conlleval_chunks
from minner.decoding.schemes import are_bare, with_prefixes

Places = NDArray[np.intp]

OUTSIDE, BEGINS, GOES_ON = range(3)
"""What a word does: it stands outside all chunks, begins one, or goes on with one."""


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

    What a word does depends on its own tag and that of the word before: so the rule is a table.

    Attributes:
        labels: those that chunks can have.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        """Take the model's C labels, by class index."""
        tags = with_prefixes(labels) if are_bare(labels) else labels
        own = [conlleval_chunks([tag]) for tag in tags]
        self.labels = [*dict.fromkeys(chunk.label for chunks in own for chunk in chunks)]
        self._label = np.array(
            [self.labels.index(chunks[0].label) if chunks else -1 for chunks in own]
        )
        # [C + 1, C]: the last row is for the first word of each text.
        self._after = np.array([[_done(before, tag) for tag in tags] for before in [*tags, "O"]])

    def __call__(self, classes: NDArray[np.integer[Any]], bounds: Places) -> Chunks:
        """The chunks of D texts.

        Args:
            classes: int `[w]`, the class of each word of all texts.
            bounds: int `[D + 1]`, where the words of each text begin, and the end.
        """
        before = np.empty(len(classes) + 1, dtype=np.intp)
        before[1:] = classes
        before[bounds] = len(self._after) - 1
        done = self._after[before[:-1], classes]
        first = (done == BEGINS).nonzero()[0]
        ends = done != OUTSIDE
        ends[:-1] &= done[1:] != GOES_ON
        return Chunks(self._label[classes[first]], first, ends.nonzero()[0])


def _done(before: str, tag: str) -> int:
    """What a word does, given its tag and the one before."""
    last = [chunk.first for chunk in conlleval_chunks([before, tag]) if chunk.last == 1]
    return OUTSIDE if not last else BEGINS if last[0] == 1 else GOES_ON
