"""The softmax of attention: from scores to the x of the product with the values."""

from __future__ import annotations

from collections.abc import Iterator

from minner.kernels.activations import exp_below, exp_short
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

LOWEST = -3.0e38
"""A score below all others, for lanes beyond the last score."""


def softmax(
    precision: Precision, scratch: ThreadScratch, rows: Value, length: Value, dwords: Value
) -> Iterator[Value]:
    """Write `exp(score - maximum)` of `rows` rows of `length` scores as blocked rows of x.

    Each row of x has `dwords` dwords; what lies beyond `length` becomes 0. The last vector of a row
    of scores becomes 1 over their sum, see `softmax_factor`: dividing the context by it is less
    work than dividing the probabilities. All maxima are found before any sum, so that no row has to
    wait for the one before.

    Yields:
        The number of each row before its exponentials, for other work meanwhile.
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
        x = scratch.probabilities.data
        total = _write_row(precision, row, last_vector.load(), whole, inside, x, dwords, i)
        last_vector.store(splat(1.0 / total))


def softmax_factor(scratch: ThreadScratch, row: Value) -> Value:
    """What the exponentials of a row must be multiplied by to be probabilities, in every lane."""
    stride = scratch.scores.shape[1]
    factor: Value = (scratch.scores.data + row * stride + (stride - LANES)).load()
    return factor


def _write_row(
    precision: Precision,
    row: Pointer,
    peak: Value,
    whole: Value,
    inside: Value,
    x: Pointer,
    dwords: Value,
    number: Value,
) -> Value:
    """Write `exp(score - peak)` as row `number` of x; returns their sum."""
    exp = exp_short if precision.layout.x_per_dword > 1 else exp_below
    width = dwords * precision.layout.x_per_dword

    def exponentials(at: ValueLike) -> Value:
        return exp((row + at).load() - peak)

    last = select(inside, exponentials(whole), vector(0.0))
    total = Variable(last)
    for at in loop(0, whole, LANES):
        values = exponentials(at)
        precision.pack(precision.place(x, dwords, number, at), values)
        total.value = total.value + values
    with when(whole < width):
        precision.pack(precision.place(x, dwords, number, whole), last)
    for at in loop(whole + LANES, width, LANES):
        precision.pack(precision.place(x, dwords, number, at), vector(0.0))
    return reduce(total.value, lambda a, b: a + b)
