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
        bounds: `S + 1` numbers, where each sequence begins, and the end of the last.
        rows: int `[R]`, ascending, the tokens whose logits are wanted; all if None.
    """

    ids: Ids
    bounds: Sequence[int]
    rows: Places | None

    @property
    def row_count(self) -> int:
        """R, the tokens whose logits are wanted."""
        return len(self.ids if self.rows is None else self.rows)

    @property
    def longest(self) -> int:
        """The tokens of the longest sequence."""
        return max((end - start for start, end in pairwise(self.bounds)), default=0)

    def runs(self, tokens: int) -> Iterator[Sequences]:
        """Cut them, in order, into batches of at most so many tokens, or of one sequence."""
        bounds, count = self.bounds, len(self.bounds) - 1
        if count == 1 or (count and len(self.ids) <= tokens):
            yield self
            return
        rows, first = self.rows, 0
        row_bounds = [] if rows is None else np.searchsorted(rows, bounds).tolist()
        for end in range(1, count + 1):
            if end == count or bounds[end + 1] - bounds[first] > tokens:
                begin, stop = bounds[first], bounds[end]
                yield Sequences(
                    self.ids[begin:stop],
                    [bound - begin for bound in bounds[first : end + 1]],
                    None if rows is None else rows[row_bounds[first] : row_bounds[end]] - begin,
                )
                first = end

    def each(self) -> Iterator[Ids]:
        """The ids of one sequence after the other."""
        return (self.ids[start:end] for start, end in pairwise(self.bounds))


def packed(sequences: Sequence[Ids], rows: Sequence[Places] | None = None) -> Sequences:
    """Put sequences together.

    Args:
        sequences: int32 arrays `[T_i]`.
        rows: int `[R_i]` for each, ascending: the tokens whose logits are wanted; all if None.

    Raises:
        MinnerError: a row is no token of its sequence.
    """
    bounds = [*accumulate(map(len, sequences), initial=0)]
    ids = _joined(sequences, np.int32)
    return Sequences(ids, bounds, None if rows is None else _in_batch(bounds, rows))


def _in_batch(bounds: Sequence[int], rows: Sequence[Places]) -> Places:
    """Rows of each sequence -> rows of all of them, of which `runs` would lose one outside."""
    moved = []
    for (start, end), places in zip(pairwise(bounds), rows, strict=True):
        # That they ascend is checked where the model runs.
        if len(places) and not (places[0] >= 0 and places[-1] < end - start):
            raise MinnerError(f"rows must be ascending numbers from 0 to {end - start - 1}")
        moved.append(places + start if start else places)
    return _joined(moved, np.intp)


def _joined(parts: Sequence[Places], kind: type[np.signedinteger[Any]]) -> NDArray[Any]:
    """Arrays one after the other. A single one stays as it is: right after a pass that is faster.

    A wider integer could wrap in int32: only `Engine.checked_ids` may narrow them.
    """
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([np.empty(0, kind), *parts], dtype=kind, casting="safe")
