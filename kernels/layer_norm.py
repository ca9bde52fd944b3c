"""Layer normalisation: `(x - mean) / sqrt(variance + eps) * weight + bias`, row by row."""

from __future__ import annotations

from typing import Any

from minner.kernels.precision import Precision, float32
from minner.kernels.quantise import quantise_row
from minner.kernels.runtime.buffers import ProductInput
from minner.kernels.runtime.layout import Norm
from minner.kernels.runtime.team import barrier, shared_rows
from minner.kernels.runtime.team_state import Member
from minner.kernels.vector.control import loop
from minner.kernels.vector.instructions import (
    fma,
    lane_numbers,
    reduce,
    select,
    sqrt,
    to_float,
    to_int32,
    vector,
)
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import LANES, NR
from minner.kernels.vector.values import Array, Pointer, Value, Variable, splat


def normalise_row(row: Pointer, norm: Norm, width: Value) -> None:
    """Normalise the first `width` values of a padded row in place. Its padding is 0 and stays so.

    It goes over the row twice, for the mean and then for the squares of the differences. A variance
    from one loop would lose eps (1e-12 in BERT), which can be far below float32's resolution.
    """
    padded = norm.weight.shape[0]
    count = to_float(width)
    mean = splat(_sum(row, padded) / count)
    variance = _sum_of_squares(row, mean, width, padded) / count
    scale = splat(1.0 / sqrt(variance + norm.epsilon[0].scalar()))
    for at in loop(0, padded, LANES):
        normal = ((row + at).load() - mean) * scale
        (row + at).store(fma(normal, norm.weight[at].load(), norm.bias[at].load()))


HALVES = range(0, NR, LANES)
"""NR values are two vectors, and each has a sum of its own. With a single sum, every addition would
need the result of the one just before, and the processor could not overlap them."""


def _sum(row: Pointer, padded: Value) -> Value:
    totals = [Variable(vector(0.0)) for _ in HALVES]
    for at in loop(0, padded, NR):
        for half, total in zip(HALVES, totals, strict=True):
            total.value = total.value + (row + at + half).load()
    return _sum_of_lanes(totals)


def _sum_of_squares(row: Pointer, mean: Value, width: Value, padded: Value) -> Value:
    """The squares of the differences to the mean, without the padding's."""
    totals = [Variable(vector(0.0)) for _ in HALVES]
    whole = width // NR * NR
    for at in loop(0, whole, NR):
        for half, total in zip(HALVES, totals, strict=True):
            difference = (row + at + half).load() - mean
            total.value = fma(difference, difference, total.value)
    for at in loop(whole, padded, LANES):  # the last NR values, if some of them are padding
        inside = lane_numbers() < splat(to_int32(width - at))
        difference = select(inside, (row + at).load() - mean, vector(0.0))
        totals[0].value = fma(difference, difference, totals[0].value)
    return _sum_of_lanes(totals)


def _sum_of_lanes(totals: list[Variable]) -> Value:
    first, second = (total.value for total in totals)
    return reduce(first + second, lambda a, b: a + b)


def write_product_input(precision: Precision, hidden: Array, token: Value, x: ProductInput) -> None:
    """Write a row of the hidden state to x, as the next product reads it; quantised if need be."""
    width = hidden.shape[1]
    if precision.layout.quantised:
        quantise_row(precision, float32, hidden[token], width, x, token)
    else:
        for at in loop(0, width, NR):
            halves = [hidden[token, at + column].load() for column in range(0, NR, LANES)]
            precision.blocked.write(x.rows, token, at, halves)


def layer_norm_kernel(precision: Precision = float32) -> Any:
    """Make the kernel of a layer norm.

    Returns:
        A staged function `(team, hidden [T, D], norm, width, x)`: normalises every row of hidden in
        place, and writes it to x as the next product reads it. D is padded from `width`.
    """

    @staged
    def layer_norm(team: Member, hidden: Array, norm: Norm, width: Value, x: ProductInput) -> None:
        for token in shared_rows(team, hidden.shape[0]):
            normalise_row(hidden[token], norm, width)
            write_product_input(precision, hidden, token, x)
        barrier(team)

    return layer_norm
