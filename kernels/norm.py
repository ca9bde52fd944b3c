"""Layer normalisation, and the embedding lookup that ends in one."""

from __future__ import annotations

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
    reduce,
    select,
    splat,
    sqrt,
    staged,
    to_float,
    to_int32,
    vector,
    widen,
)
from minner.kernels.target import LANES

EPSILON = 1e-12
"""Added to the variance; DistilBERT fixes it, its config has no such key."""


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


@staged
def layer_norm(x: Array, weight: Array, bias: Array, width: Value, out: Array) -> None:
    """Normalise every row: x `[T, D]`, weight and bias `[D]` -> out `[T, D]`; D padded."""
    for row in loop(x.shape[0]):
        normalise_row(x[row, 0], weight, bias, width, out[row, 0])


@staged
def embed(
    ids: Array,
    bounds: Array,
    words: Array,
    positions: Array,
    weight: Array,
    bias: Array,
    width: Value,
    out: Array,
) -> None:
    """Word row plus position row, then layer norm.

    ids int32 `[T]`, bounds int32 `[S + 1]`, words `[V, D]`, positions `[P, D]` -> out `[T, D]`;
    D padded. Positions count from 0 in every sequence.
    """
    for sequence in loop(bounds.shape[0] - 1):
        first = widen(bounds[sequence].scalar())
        for token in loop(first, widen(bounds[sequence + 1].scalar())):
            word = words[widen(ids[token].scalar()), 0]
            position = positions[token - first, 0]
            for at in loop(0, weight.shape[0], LANES):
                out[token, at].store((word + at).load() + (position + at).load())
            normalise_row(out[token, 0], weight, bias, width, out[token, 0])
