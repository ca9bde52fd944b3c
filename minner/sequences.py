"""A batch as the model takes it: the ids of all sequences one after the other, without padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
Places = NDArray[np.integer[Any]]


class Sequences(NamedTuple):
    """S sequences of T tokens in all.

    Attributes:
        ids: int32 `[T]`, special tokens included.
        bounds: int `[S + 1]`, where each sequence begins, and the end of the last.
        rows: int `[R]`, ascending, the tokens whose logits are wanted.
    """

    ids: Ids
    bounds: Places
    rows: Places

    @property
    def longest(self) -> int:
        """The tokens of the longest sequence."""
        return int(np.diff(self.bounds).max())

    def runs(self, tokens: int) -> Iterator[Sequences]:
        """Cut them, in order, into batches of at most so many tokens, or of one sequence."""
        first, bounds = 0, self.bounds.tolist()
        for number in range(1, len(bounds)):
            if number > first + 1 and bounds[number] - bounds[first] > tokens:
                yield self.part(first, number - 1)
                first = number - 1
        if len(bounds) > 1:
            yield self.part(first, len(bounds) - 1)

    def part(self, first: int, end: int) -> Sequences:
        """The sequences from `first` to `end - 1`."""
        bounds = self.bounds[first : end + 1]
        begin, stop = bounds[0], bounds[-1]
        row, last = np.searchsorted(self.rows, (begin, stop))
        return Sequences(self.ids[begin:stop], bounds - begin, self.rows[row:last] - begin)

    def each(self) -> Iterator[Ids]:
        """The ids of one sequence after the other."""
        return (self.ids[start:end] for start, end in pairwise(self.bounds.tolist()))


def packed(sequences: Sequence[Ids], rows: Sequence[Places] | None = None) -> Sequences:
    """Put sequences together.

    Args:
        sequences: int32 arrays `[T_i]`.
        rows: int `[R_i]` for each, ascending: the tokens whose logits are wanted; all if None.
    """
    starts = [0, *accumulate(map(len, sequences))]
    # A wider integer could wrap in int32: only `Engine.checked_ids` may narrow them.
    ids = np.concatenate([np.empty(0, np.int32), *sequences], dtype=np.int32, casting="safe")
    if rows is None:
        wanted = np.arange(len(ids))
    else:
        inside = [start + places for start, places in zip(starts, rows, strict=False)]
        wanted = np.concatenate([np.empty(0, np.intp), *inside])
    return Sequences(ids, np.array(starts), wanted)
