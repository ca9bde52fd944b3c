"""The softmax of attention: from scores to the x of the product with the values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from minner.kernels.elementary import exp_below, exp_short
from minner.kernels.precision import Precision
from minner.kernels.runtime.buffers import ThreadScratch
from minner.kernels.vector.control import loop, when
from minner.kernels.vector.instructions import (
    lane_numbers,
    maximum,
    reduce,
    select,
    to_int32,
    vector,
)
from minner.kernels.vector.target import LANES
from minner.kernels.vector.values import Pointer, Value, ValueLike, Variable, splat

LOWEST = float("-inf")
"""For lanes beyond the last score. It must be -inf: if all scores overflowed to -inf, the result
has to be NaN, as `-inf - -inf` is."""


class _Row(NamedTuple):
    """A row of scores, and where its exponentials go."""

    scores: Pointer
    largest: Value  # score, in every lane
    whole: Value  # scores in whole vectors
    inside: Value  # in which lanes of the last vector there are scores
    place: Callable[[ValueLike], Pointer]  # of the exponential of a score
    width: Value  # values to write, padding included


def softmax(
    precision: Precision, scratch: ThreadScratch, rows: Value, length: Value, dwords: Value
) -> Iterator[Value]:
    """Write `exp(score - maximum)` of `rows` rows of `length` scores as blocked rows of x.

    Each row of x has `dwords` dwords; what lies beyond `length` becomes 0. The last vector of a row
    of scores becomes 1 over the sum of its exponentials, see `softmax_factor`: multiplying the
    context by it is less work than multiplying the exponentials. All maxima are found before any
    exponential: a row's exponentials must wait for its maximum, but not for another row's.

    Yields:
        The number of each row before its exponentials, so that the caller can prefetch for it.
    """
    scores, stride = scratch.scores.data, scratch.scores.shape[1]
    whole = length // LANES * LANES
    inside = lane_numbers() < splat(to_int32(length - whole))
    for i in loop(rows):
        row = scores + i * stride
        highest = Variable(select(inside, (row + whole).load(), vector(LOWEST)))
        for at in loop(0, whole, LANES):
            highest.value = maximum(highest.value, (row + at).load())
        (row + (stride - LANES)).store(splat(reduce(highest.value, maximum)))
    for i in loop(rows):
        row = scores + i * stride
        last_vector = row + (stride - LANES)
        yield i
        place = partial(precision.place, scratch.probabilities.data, dwords, i)
        width = dwords * precision.layout.x_per_dword
        total = _write_row(precision, _Row(row, last_vector.load(), whole, inside, place, width))
        last_vector.store(splat(1.0 / total))


def softmax_factor(scratch: ThreadScratch, row: Value) -> Value:
    """What the exponentials of a row must be multiplied by to be probabilities, in every lane."""
    stride = scratch.scores.shape[1]
    factor: Value = (scratch.scores.data + row * stride + (stride - LANES)).load()
    return factor


def _write_row(precision: Precision, row: _Row) -> Value:
    """Write `exp(score - largest)` of a row; returns their sum."""
    exp = exp_short if precision.layout.x_per_dword > 1 else exp_below

    def exponentials(at: ValueLike) -> Value:
        return exp((row.scores + at).load() - row.largest)

    last = select(row.inside, exponentials(row.whole), vector(0.0))
    total = Variable(last)
    for at in loop(0, row.whole, LANES):
        values = exponentials(at)
        precision.pack(row.place(at), values)
        total.value = total.value + values
    with when(row.whole < row.width):
        precision.pack(row.place(row.whole), last)
    for at in loop(row.whole + LANES, row.width, LANES):
        precision.pack(row.place(at), vector(0.0))
    return reduce(total.value, lambda a, b: a + b)
