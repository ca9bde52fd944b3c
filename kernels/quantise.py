"""Quantisation of rows of x to int8: each in steps of its own, of which its largest value is 127.

One scale for a whole tensor loses named entities: a few features of a transformer are far larger
than the rest (Bondarenko et al., 2021, https://arxiv.org/abs/2109.12948).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minner.kernels.layout import Operand as Rows
from minner.kernels.precision import Precision, load_bfloat16, load_float32
from minner.kernels.staged import (
    Array,
    Operand,
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
from minner.kernels.target import LANES
from minner.kernels.team import meet, shared_rows

Load = Callable[[Pointer, Operand], Value]

STEPS = 127
"""Steps to each side of 0. -128 is left out: what is quantised stays symmetric."""


def quantise_row(
    precision: Precision, load: Load, row: Pointer, width: Value, x: Rows, token: Value
) -> None:
    """Write `width` values, a multiple of LANES, as one row of x, and its scale."""
    largest = Variable(vector(0.0))
    for at in loop(0, width, LANES):
        largest.value = maximum(largest.value, absolute(load(row, at)))
    peak = reduce(largest.value, maximum)
    x.scale[token].store_scalar(peak * (1 / STEPS))
    steps = splat(select(peak > 0.0, STEPS / peak, 0.0))  # a row of zeros has none
    for at in loop(0, width, LANES):
        precision.write_x(x.rows, token, at, to_int(nearest(load(row, at) * steps)))


def quantise_kernel(precision: Precision) -> Any:
    """Make the kernel that turns what a kernel gave into what the next product reads.

    Returns:
        A staged function `(team, given [T, words of N], x)`, x an `Operand` of `layout.py`. It does
        nothing, and has no barrier, in precisions that are not quantised: there both are the same.
    """
    step = precision.form.given_step
    load = load_bfloat16 if step == 2 else load_float32

    @staged
    def quantise(team: Array, given: Array, x: Rows) -> None:
        if precision.form.quantised:
            for token in shared_rows(team, given.shape[0]):
                quantise_row(precision, load, given[token], given.shape[1] * step, x, token)
            meet(team)

    return quantise
