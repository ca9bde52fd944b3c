"""Quantisation of x: each row is written as integers, with a float32 scale and a zero of its own.

    scale = (high - low) / steps          from the smallest value of the row, or 0, to the largest
    zero = lowest - round(low / scale)    the integer that stands for 0
    q = round(row / scale + zero)         row is about (q - zero) * scale

int8 has 254 steps, from 0 or from -128 on, as the host multiplies bytes. (Hosts that cannot
multiply int8 use int16 with 1022 steps: see `precision.py`.) The product sums up integers. Its
epilogue subtracts what zero was multiplied by, and multiplies by the scales of x and of the weight
(`product.py`). The weight was quantised when the model was loaded, with a scale for each output:
see `to_int8` in weights/numbers.py.

A zero in the middle for all rows would waste steps where a row reaches further on one side. What
GELU gives is never below -0.17, and would use half of them. On CoNLL-2003's dev set the mean error
of the embedded model's logits fell from 0.019 to 0.013.

One scale for all of x would lose named entities: a few features of a transformer are far larger
than the rest (Bondarenko et al., 2021, https://arxiv.org/abs/2109.12948).
"""

from __future__ import annotations

from typing import Any

from minner.kernels.elementary import MAGIC
from minner.kernels.precision import Precision
from minner.kernels.runtime.buffers import ProductInput
from minner.kernels.runtime.team import barrier, shared_rows
from minner.kernels.runtime.team_state import Member
from minner.kernels.vector.control import loop
from minner.kernels.vector.instructions import (
    bits,
    fma,
    maximum,
    nearest,
    reduce,
    select,
    to_float,
    to_int,
    unsigned_maximum,
    vector,
)
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import CACHE_LINE, LANES, NR
from minner.kernels.vector.values import FLOAT32, INTS, Array, Pointer, Value, Variable, splat

SMALLEST_QUANTISED = 2.0**-116
"""A row that reaches no further becomes zeros: one over its scale would leave the range of float32.
"""

ROWS_AHEAD = 2
"""How many rows ahead to prefetch: another core may have written them, and its cache is far away.
With two rows ahead, two threads take 0.76 of the time without prefetch; with one, 0.80."""


def quantise_row(
    precision: Precision,
    source: Precision,
    row: Pointer,
    width: Value,
    x: ProductInput,
    token: Value,
) -> None:
    """Write a row of x, its scale and its zero.

    Args:
        precision: of x.
        source: of what is quantised.
        row: `width` values of `source`, one after the other.
        width: a multiple of NR.
        x: where the row and its scale go.
        token: the number of the row in x.
    """
    per_dword = source.layout.x_per_dword
    low, high = _range(source, row, width)
    extent = high - low
    x.scale[token].store_scalar(extent * (1 / precision.steps))
    factor = select(extent > SMALLEST_QUANTISED, precision.steps / extent, 0.0)
    zero = precision.lowest - to_int(nearest(low * factor))
    x.zero[token].store_scalar(bits(zero, FLOAT32))
    factors, magic = splat(factor), splat(to_float(zero) + MAGIC)
    for at in loop(0, width, NR):
        for column in range(0, NR, CACHE_LINE * per_dword):
            (row + (width * ROWS_AHEAD + at + column) // per_dword).prefetch(1)
        halves = [source.unpack(row + (at + half) // per_dword) for half in range(0, NR, LANES)]
        # The sum with MAGIC has the nearest integer in its lowest bits.
        quantised = [bits(fma(values, factors, magic), INTS) for values in halves]
        precision.blocked.write(x.rows, token, at, quantised)


def _range(source: Precision, row: Pointer, width: Value) -> tuple[Value, Value]:
    """The smallest and the largest of a row's values and 0; one of them is NaN if a value is.

    Read as an int32, a float above 0 has the order of its value, NaN is above all, and what has a
    sign is below 0. Read as bits without a sign, what has a sign is above all else, the further
    from 0 the higher, and NaN the highest.
    """
    # NR values are two vectors, and each has extremes of its own. With a single one, every step
    # would need the result of the one just before, and the processor could not overlap them.
    nothing = bits(vector(0.0), INTS)
    both = {half: (Variable(nothing), Variable(nothing)) for half in range(0, NR, LANES)}
    for at in loop(0, width, NR):
        for half, (low, high) in both.items():
            values = bits(source.unpack(row + (at + half) // source.layout.x_per_dword), INTS)
            low.value = unsigned_maximum(low.value, values)
            high.value = maximum(high.value, values)
    lows, highs = zip(*both.values(), strict=True)
    low_bits = reduce(unsigned_maximum(*(low.value for low in lows)), unsigned_maximum)
    high_bits = reduce(maximum(*(high.value for high in highs)), maximum)
    return bits(select(low_bits < 0, low_bits, 0), FLOAT32), bits(high_bits, FLOAT32)


def quantise_kernel(precision: Precision) -> Any:
    """Make the kernel that quantises what a kernel wrote, for the next product.

    Returns:
        A staged function `(team, unquantised [T, dwords of N], x)`; x is a `ProductInput`. In
        precisions that are not quantised it does nothing, and has no barrier.
    """

    @staged
    def quantise(team: Member, unquantised: Array, x: ProductInput) -> None:
        if precision.layout.quantised:
            for token in shared_rows(team, unquantised.shape[0]):
                width = unquantised.shape[1] * precision.layout.unquantised_per_dword
                source = precision.unquantised
                quantise_row(precision, source, unquantised[token], width, x, token)
            barrier(team)

    return quantise
