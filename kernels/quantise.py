"""Quantisation of x: each row is written as int8 times a float32 scale of its own.

    scale = max |row| / qmax              qmax = 127: the largest value becomes 127 or -127
    q = round(row * qmax / max |row|)     row is about q * scale

(Hosts that cannot multiply int8 use int16 with qmax = 511: see `precision.py`.) The product sums up
integers, and its epilogue multiplies by the scales of x and of the weight (`product.py`). The
weight was quantised when the model was loaded, with a scale for each output: see `to_int8` in
weights/numbers.py.

One scale for all of x would lose named entities: a few features of a transformer are far larger
than the rest (Bondarenko et al., 2021, https://arxiv.org/abs/2109.12948).
"""

from __future__ import annotations

from typing import Any

from minner.kernels.precision import Precision
from minner.kernels.runtime.buffers import ProductInput
from minner.kernels.runtime.team import barrier, shared_rows
from minner.kernels.runtime.team_state import Member
from minner.kernels.vector.control import loop
from minner.kernels.vector.instructions import (
    absolute,
    bits,
    maximum,
    nearest,
    reduce,
    select,
    to_int,
    vector,
)
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import CACHE_LINE, LANES, NR
from minner.kernels.vector.values import FLOAT32, INTS, Array, Pointer, Value, Variable, splat

SMALLEST_QUANTISED = 2.0**-120
"""A row with no larger value becomes zeros: qmax / max |row| would leave the range of float32."""

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
    """Write a row of x and its scale.

    Args:
        precision: of x.
        source: of what is quantised.
        row: `width` values of `source`, one after the other.
        width: a multiple of NR.
        x: where the row and its scale go.
        token: the number of the row in x.
    """
    per_dword = source.layout.x_per_dword
    largest = _largest(source, row, width)
    x.scale[token].store_scalar(largest * (1 / precision.qmax))
    factor = splat(select(largest > SMALLEST_QUANTISED, precision.qmax / largest, 0.0))
    for at in loop(0, width, NR):
        for column in range(0, NR, CACHE_LINE * per_dword):
            (row + (width * ROWS_AHEAD + at + column) // per_dword).prefetch(1)
        halves = [source.unpack(row + (at + half) // per_dword) for half in range(0, NR, LANES)]
        quantised = [to_int(nearest(values * factor)) for values in halves]
        precision.blocked.write(x.rows, token, at, quantised)


def _largest(source: Precision, row: Pointer, width: Value) -> Value:
    """The largest absolute value of a row; NaN where one is NaN."""
    # The bits of floats above 0 have the order of the floats, and those of NaN are above all.
    # NR values are two vectors, and each has a maximum of its own. With a single one, every maximum
    # would need the result of the one just before, and the processor could not overlap them.
    both = {half: Variable(bits(vector(0.0), INTS)) for half in range(0, NR, LANES)}
    for at in loop(0, width, NR):
        for half, largest in both.items():
            values = source.unpack(row + (at + half) // source.layout.x_per_dword)
            largest.value = maximum(largest.value, bits(absolute(values), INTS))
    first, second = (largest.value for largest in both.values())
    return bits(reduce(maximum(first, second), maximum), FLOAT32)


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
