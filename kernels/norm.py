"""Layer normalisation, and the embedding lookup that ends in one."""

from __future__ import annotations

from collections.abc import Iterator

from minner.kernels.staged import (
    Array,
    Operand,
    Pointer,
    Value,
    Variable,
    fma,
    lane_numbers,
    lift,
    loop,
    minimum,
    reduce,
    select,
    splat,
    sqrt,
    staged,
    to_float,
    to_int32,
    vector,
)
from minner.kernels.target import LANES
from minner.kernels.team import claims, meet

EPSILON = 1e-12
"""Added to the variance; DistilBERT fixes it, its config has no such key."""

ROWS_PER_ITEM = 4
"""Rows that a thread takes at once: about a microsecond of work."""


def _sum_of_lanes(x: Value) -> Value:
    return reduce(x, lambda a, b: a + b)


def normalise_row(row: Pointer, weight: Array, bias: Array, width: Operand, out: Pointer) -> None:
    """`(x - mean) / sqrt(variance + eps) * weight + bias` over `width` values of a padded row.

    Two passes: the mean first, then the squares of the differences, because eps = 1e-12 is far
    below float32's resolution and a one-pass variance would lose it. Lanes beyond `width` are 0
    on entry; they are kept out of the variance, and 0 in `weight` and `bias` keeps them 0.
    """
    padded = weight.shape[0]
    count = to_float(lift(width, padded.code.type))
    total = Variable(vector(0.0))
    for at in loop(0, padded, LANES):
        total.value = total.value + (row + at).load()
    mean = splat(_sum_of_lanes(total.value) / count)

    total.value = vector(0.0)
    for at in loop(0, padded, LANES):
        inside = lane_numbers() < splat(to_int32(width - at))
        difference = select(inside, (row + at).load() - mean, vector(0.0))
        total.value = fma(difference, difference, total.value)
    variance = _sum_of_lanes(total.value) / count
    scale = splat(1.0 / sqrt(variance + EPSILON))

    for at in loop(0, padded, LANES):
        normal = ((row + at).load() - mean) * scale
        (out + at).store(fma(normal, weight[at].load(), bias[at].load()))


def shared_rows(team: Array, total: Value) -> Iterator[Value]:
    """Emit a loop over rows 0 .. total - 1 that a team shares, ROWS_PER_ITEM at a time."""
    for item, _ in claims(team, (total + (ROWS_PER_ITEM - 1)) // ROWS_PER_ITEM):
        first = item * ROWS_PER_ITEM
        yield from loop(first, minimum(first + ROWS_PER_ITEM, total))


@staged
def layer_norm(team: Array, x: Array, weight: Array, bias: Array, width: Value, out: Array) -> None:
    """Normalise every row: x `[T, D]`, weight and bias `[D]` -> out `[T, D]`; D padded."""
    for row in shared_rows(team, x.shape[0]):
        normalise_row(x[row, 0], weight, bias, width, out[row, 0])
    meet(team)


@staged
def embed(
    team: Array,
    ids: Array,
    positions: Array,
    words: Array,
    places: Array,
    weight: Array,
    bias: Array,
    width: Value,
    out: Array,
) -> None:
    """Word row plus position row, then layer norm.

    ids and positions int32 `[T]`, words `[V, D]`, places `[P, D]` -> out `[T, D]`; D padded.
    """
    for token in shared_rows(team, ids.shape[0]):
        word, place = words[ids[token].scalar(), 0], places[positions[token].scalar(), 0]
        for at in loop(0, weight.shape[0], LANES):
            out[token, at].store((word + at).load() + (place + at).load())
        normalise_row(out[token, 0], weight, bias, width, out[token, 0])
    meet(team)
