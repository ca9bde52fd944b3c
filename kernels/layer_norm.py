"""Layer normalisation, and the embedding lookup that ends in one."""

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


def _sum_of_lanes(totals: list[Variable]) -> Value:
    first, second = (total.value for total in totals)
    return reduce(first + second, lambda a, b: a + b)


def normalise_row(row: Pointer, norm: Norm, width: Value) -> None:
    """Bring the `width` values of a padded row to mean 0 and variance 1, then scale and shift them.

    `(x - mean) / sqrt(variance + eps) * weight + bias`, in place. Two passes: the mean first, then
    the squares of the differences, because eps (1e-12 in BERT) can be far below float32's
    resolution and a one-pass variance would lose it. Lanes beyond `width` are 0 on entry; they are
    kept out of the variance, and 0 in the norm's weight and bias keeps them 0.
    """
    padded = norm.weight.shape[0]
    count = to_float(width)
    halves = range(0, NR, LANES)  # two sums: a single one would have to wait for itself
    totals = [Variable(vector(0.0)) for _ in halves]
    for at in loop(0, padded, NR):
        for half, total in zip(halves, totals, strict=True):
            total.value = total.value + (row + at + half).load()
    mean = splat(_sum_of_lanes(totals) / count)

    for total in totals:
        total.value = vector(0.0)
    whole = width // NR * NR
    for at in loop(0, whole, NR):
        for half, total in zip(halves, totals, strict=True):
            difference = (row + at + half).load() - mean
            total.value = fma(difference, difference, total.value)
    for at in loop(whole, padded, LANES):  # the last NR values, if some of them are padding
        inside = lane_numbers() < splat(to_int32(width - at))
        difference = select(inside, (row + at).load() - mean, vector(0.0))
        totals[0].value = fma(difference, difference, totals[0].value)
    variance = _sum_of_lanes(totals) / count
    scale = splat(1.0 / sqrt(variance + norm.epsilon[0].scalar()))

    for at in loop(0, padded, LANES):
        normal = ((row + at).load() - mean) * scale
        (row + at).store(fma(normal, norm.weight[at].load(), norm.bias[at].load()))


def _write_product_input(
    precision: Precision, hidden: Array, token: Value, x: ProductInput
) -> None:
    """Write a row of the hidden state again, as the next product reads it."""
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
        A staged function `(team, hidden [T, D], norm, width, x)`: normalises every row of hidden, D
        padded from `width`, in place and, as the `ProductInput` that the next product reads, to x.
    """

    @staged
    def layer_norm(team: Member, hidden: Array, norm: Norm, width: Value, x: ProductInput) -> None:
        for token in shared_rows(team, hidden.shape[0]):
            normalise_row(hidden[token], norm, width)
            _write_product_input(precision, hidden, token, x)
        barrier(team)

    return layer_norm


def embed_kernel(precision: Precision = float32) -> Any:
    """Make the kernel of the embeddings.

    Returns:
        A staged function `(team, ids, positions, words, places, norm, width, hidden, x)`: word row
        plus position row, then as `layer_norm`. ids and positions int32 `[T]`, words `[V, D]`,
        places `[P, D]`, hidden `[T, D]`; D padded from `width`.
    """

    @staged
    def embed(
        team: Member,
        ids: Array,
        positions: Array,
        words: Array,
        places: Array,
        norm: Norm,
        width: Value,
        hidden: Array,
        x: ProductInput,
    ) -> None:
        for token in shared_rows(team, ids.shape[0]):
            word, place = words[ids[token].scalar()], places[positions[token].scalar()]
            for at in loop(0, hidden.shape[1], LANES):
                hidden[token, at].store((word + at).load() + (place + at).load())
            normalise_row(hidden[token], norm, width)
            _write_product_input(precision, hidden, token, x)
        barrier(team)

    return embed
