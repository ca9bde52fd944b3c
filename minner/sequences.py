"""A batch as the model takes it: the ids of all sequences one after the other, without padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.errors import MinnerError

Ids = NDArray[np.int32]
Places = NDArray[np.integer[Any]]


class Sequences(NamedTuple):
    """S sequences of T tokens in all.

    Attributes:
        ids: int32 `[T]`, special tokens included.
        positions: int32 `[T]`, the place of each token in its sequence.
        bounds: int `[S + 1]`, where each sequence begins, and the end of the last.
        rows: int `[R]`, ascending, the tokens whose logits are wanted.
    """

    ids: Ids
    positions: Ids
    bounds: Places
    rows: Places

    @property
    def longest(self) -> int:
        """The tokens of the longest sequence."""
        return int(self.positions.max(initial=-1)) + 1

    def runs(self, tokens: int) -> Iterator[Sequences]:
        """Cut them, in order, into batches of at most so many tokens, or of one sequence."""
        bounds = self.bounds.tolist()
        rows = np.searchsorted(self.rows, self.bounds).tolist()
        first = 0
        for end in range(1, len(bounds)):
            if end + 1 == len(bounds) or bounds[end + 1] - bounds[first] > tokens:
                begin, stop = bounds[first], bounds[end]
                yield Sequences(
                    self.ids[begin:stop],
                    self.positions[begin:stop],
                    self.bounds[first : end + 1] - begin,
                    self.rows[rows[first] : rows[end]] - begin,
                )
                first = end

    def each(self) -> Iterator[Ids]:
        """The ids of one sequence after the other."""
        return (self.ids[start:end] for start, end in pairwise(self.bounds.tolist()))


def positions_of(bounds: Places) -> Ids:
    """The place of each token in its sequence, int32 `[T]`, given the bounds of all."""
    starts = bounds[:-1].astype(np.int32).repeat(np.diff(bounds))
    return np.arange(len(starts), dtype=np.int32) - starts


def packed(sequences: Sequence[Ids], rows: Sequence[Places] | None = None) -> Sequences:
    """Put sequences together.

    Args:
        sequences: int32 arrays `[T_i]`.
        rows: int `[R_i]` for each, ascending: the tokens whose logits are wanted; all if None.

    Raises:
        MinnerError: a row is no token of its sequence.
    """
    starts = [0, *accumulate(map(len, sequences))]
    bounds = np.array(starts)
    # A wider integer could wrap in int32: only `Engine.checked_ids` may narrow them.
    ids = np.concatenate([np.empty(0, np.int32), *sequences], dtype=np.int32, casting="safe")
    wanted: Places = np.arange(len(ids)) if rows is None else _in_batch(bounds, rows)
    return Sequences(ids, positions_of(bounds), bounds, wanted)


def _in_batch(bounds: Places, rows: Sequence[Places]) -> Places:
    """Rows of each sequence -> rows of all of them, of which `runs` would lose one outside."""
    inside = np.concatenate([np.empty(0, np.intp), *rows])
    counts = [*map(len, rows)]
    lengths = np.diff(bounds).repeat(counts)
    outside = (inside < 0) | (inside >= lengths)
    if outside.any():
        raise MinnerError(f"a row is not from 0 to {lengths[outside][0] - 1}")
    return inside + bounds[:-1].repeat(counts)
