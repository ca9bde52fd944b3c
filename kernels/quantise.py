"""Quantisation of rows of x: each in whole steps of its own, whose last is its largest value.

One scale for a whole tensor loses named entities: a few features of a transformer are far larger
than the rest (Bondarenko et al., 2021, https://arxiv.org/abs/2109.12948).
"""

from __future__ import annotations

from typing import Any

from minner.kernels.precision import Precision
from minner.kernels.runtime.layout import Member
from minner.kernels.runtime.layout import Operand as X
from minner.kernels.runtime.team import meet, shared_rows
from minner.kernels.vector.staged import (
    Array,
    Pointer,
    Value,
    Variable,
    absolute,
    loop,
    maximum,
    nearest,
    reduce,
    select,
    splat,
    staged,
    to_int,
    vector,
)
from minner.kernels.vector.target import BLOCK, LANES, TILE

SMALLEST = 2.0**-120
"""A row with nothing larger counts as zeros, whose steps would be infinitely many to 1."""

ROWS_AHEAD = 2
"""How far ahead rows are fetched: another core wrote them. Two threads quantise in 0.76 of the time
without, one row ahead in 0.80."""


def quantise_row(
    precision: Precision, source: Precision, row: Pointer, width: Value, x: X, token: Value
) -> None:
    """Write `width` values of a continuous row, whole blocks, as a row of x, and its scale."""
    step = source.form.x_step
    # As many maxima as a block has vectors: one alone would wait for itself.
    largest = {column: Variable(vector(0.0)) for column in range(0, BLOCK, LANES)}
    for at in loop(0, width, BLOCK):
        for column, highest in largest.items():
            values = source.unpack(row + (at + column) // step)
            highest.value = maximum(highest.value, absolute(values))
    first, second = (highest.value for highest in largest.values())
    peak = reduce(maximum(first, second), maximum)
    x.scale[token].store_scalar(peak * (1 / precision.steps))
    steps = splat(select(peak > SMALLEST, precision.steps / peak, 0.0))
    for at in loop(0, width, BLOCK):
        for column in range(0, BLOCK, TILE * step):
            (row + (width * ROWS_AHEAD + at + column) // step).prefetch(1)
        halves = [source.unpack(row + (at + column) // step) for column in range(0, BLOCK, LANES)]
        whole = [to_int(nearest(values * steps)) for values in halves]
        precision.blocked.write(x.rows, token, at, whole)


def quantise_kernel(precision: Precision) -> Any:
    """Make the kernel that turns what a kernel gave into what the next product reads.

    Returns:
        A staged function `(team, given [T, words of N], x)`, x an `Operand` of `layout.py`. It does
        nothing, and has no barrier, in precisions that are not quantised: there both are the same.
    """

    @staged
    def quantise(team: Member, given: Array, x: X) -> None:
        if precision.form.quantised:
            for token in shared_rows(team, given.shape[0]):
                width = given.shape[1] * precision.form.given_step
                quantise_row(precision, precision.given, given[token], width, x, token)
            meet(team)

    return quantise
