"""Weights in fewer bits: bfloat16, float8, and int8 with a scale for each output."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

QMAX = 127
"""The largest int8 weight. The smallest is -127, so that a weight and its negative stay equal."""

SUM16 = 128
"""Bound on the sum of the positive, and of the negative, weights among four whose products are
summed in int16. x is at most 255 there, and 255 * 128 is less than 2^15."""

SMALLEST_WEIGHT = 2.0**-100
"""If no weight of an output is larger, all count as 0. Long weight decay leaves such outputs; their
scale, and one over it, would leave the range of float32."""


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Round finite float32 to the nearest bfloat16, ties to even; returns the upper 16 bits."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    even = (bits >> 16) & 1
    return ((bits + 0x7FFF + even) >> 16).astype(np.uint16)


def from_bfloat16(halves: NDArray[np.uint16]) -> NDArray[np.float32]:
    """The float32 whose upper 16 bits these are."""
    return (halves.astype(np.uint32) << 16).view(np.float32)


def score_factor(width: int) -> np.float32:
    """The factor 1/sqrt(d) of the attention scores, for heads of width d."""
    return np.float32(width**-0.5)


@cache
def _float8_values() -> NDArray[np.float32]:
    """The values of the codes 0 to 126 of float8 E4M3, which ascend; 127 is NaN."""
    codes = np.arange(127)
    exponents, fractions = codes >> 3, codes & 7
    subnormal = exponents == 0
    whole = np.where(subnormal, fractions, fractions + 8)
    values = np.ldexp(whole, np.where(subnormal, 1, exponents) - 10)
    return np.asarray(values, dtype=np.float32)


LARGEST_FLOAT8 = 448.0
"""The largest float8 E4M3."""


def to_float8(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Round float32 to the nearest float8 E4M3, ties to even, as codes; 448 is the largest.

    The format is E4M3 of "FP8 Formats for Deep Learning" (Micikevicius and others, 2022): a sign,
    four bits of exponent with bias 7, three of fraction, no infinity.
    """
    halfway = (_float8_values()[:-1] + _float8_values()[1:]) / 2
    sizes = np.abs(values)
    codes = np.searchsorted(halfway, sizes).astype(np.uint8)  # a tie goes down
    odd = np.flatnonzero(codes & 1)
    ties = odd[np.isin(sizes.flat[odd], halfway)]
    codes.flat[ties] += 1
    codes[np.signbit(values)] |= 0x80
    return codes


def from_float8(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The float32 values of codes of float8 E4M3."""
    positive = _float8_values()
    every = np.concatenate([positive, [np.nan], -positive, [np.nan]]).astype(np.float32)
    return every[codes]


def scaled_to_bfloat16(weight: NDArray[np.float32], factor: np.float32) -> NDArray[np.float32]:
    """Round a weight so that its product with `factor` is a bfloat16: the one nearest to theirs.

    Where the factor is a power of two, that is the nearest bfloat16. Elsewhere bfloat16 values
    would be rounded a second time, to others, when the factor comes in; so the result has all the
    bits of float32, and `to_bfloat16(result * factor)` is `to_bfloat16(weight * factor)`: float32
    is 2^16 times finer than the error of half a step that would change it.
    """
    return from_bfloat16(to_bfloat16(weight * factor)) / factor


def to_int8(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantise a weight `[N, K]` symmetrically, each output by its own scale.

    Scales have 17 significant bits and the integers 7, so that their product is exact in float32.
    Quantising the product again gives the same integers and the same scales.

    Returns:
        int8 `[N, K]` from -QMAX to QMAX, and float32 scales `[N]`: their product differs from the
        weight by at most half a scale. An output whose weights are all 0, or nearly, has the
        scale 0.
    """
    largest = np.abs(weight).max(axis=1, initial=0.0)
    largest[largest <= SMALLEST_WEIGHT] = 0.0
    scales = _with_17_bits(largest / np.float32(QMAX))
    factors = np.divide(QMAX, largest, out=np.zeros_like(largest), where=largest > 0)
    quantised: NDArray[Any] = np.rint(weight * factors[:, None])
    return quantised.astype(np.int8), scales


def with_small_sums(
    quantised: NDArray[np.int8], scales: NDArray[np.float32]
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Make int8 weights so small that four of their products with x can be summed up as int16.

    Of every four weights whose products are summed up so (see `operand_layout.py`), the positive
    ones may add up to SUM16, and so may the negative ones. Outputs with no larger sum stay as they
    are. The others get smaller integers, and a larger scale to make up for it: where their largest
    sum was `largest`, each weight is multiplied by `(SUM16 - 2) / largest` and rounded again, as
    four roundings add at most 2 to a sum.

    Args:
        quantised: `[N, K]`, as `to_int8` makes them.
        scales: `[N]`.

    Returns:
        The same for the new weights. Weights that were quantised before give what the weights that
        they were made from give.
    """
    largest = _largest_sums(quantised)
    factors = np.where(largest > SUM16, (SUM16 - 2) / np.maximum(largest, 1), 1).astype(np.float32)
    smaller: NDArray[Any] = np.rint(quantised * factors[:, None])
    return smaller.astype(np.int8), scales / factors


def _largest_sums(quantised: NDArray[np.int8]) -> NDArray[np.int64]:
    """Of each output `[K]`, the largest sum of weights of one sign in a group of four."""
    outputs, inputs = quantised.shape
    whole = np.pad(quantised, [(0, 0), (0, -inputs % 8)])
    groups = whole.reshape(outputs, -1, 2, 2, 2)  # two dwords, of two pairs each
    parts = np.maximum(groups, 0), np.minimum(groups, 0)
    sums = [abs(part.sum(axis=(2, 4), dtype=np.int64)) for part in parts]
    largest: NDArray[np.int64] = np.maximum(*sums).max(axis=(1, 2), initial=0)
    return largest


def from_int8(quantised: NDArray[np.int8], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """The weight `[N, K]` that int8 `[N, K]` and scales `[N]` stand for."""
    return quantised * scales.reshape(-1, 1)


def _with_17_bits(positive: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to 17 significant bits of the 24 that a float32 has."""
    bits = positive.view(np.uint32)
    return ((bits + 64) & ~np.uint32(127)).view(np.float32)
