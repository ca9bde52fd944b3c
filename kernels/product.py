"""The matrix product: where nearly all of the time goes.

`out = activation(x @ weight.T + bias) + residual`, with the weight packed once into panels of
BLOCK output columns, `[N / BLOCK, K, BLOCK]`: the kernel then reads it front to back. A tile of
ROWS x BLOCK results stays in vector registers while k runs over the inner dimension: two loads
of weights and ROWS broadcasts of x feed 2 * ROWS multiply-adds.

Every result is one chain of multiply-adds in the order of k, whatever tile it falls in. That is
why a sentence gets the same bits alone and in any batch, from any number of threads: these share
the panels, so each weight is read once, by one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minner.kernels.functions import Activation, identity
from minner.kernels.staged import (
    Array,
    Operand,
    Pointer,
    Value,
    Variable,
    fma,
    loop,
    staged,
    vector,
    when,
)
from minner.kernels.target import BLOCK, LANES, ROWS
from minner.kernels.team import claims, meet

AHEAD = 1024
"""Weights are prefetched 4 KB ahead, which the hardware does not do across pages: from memory
beyond L2, 16 rows then ran at 60 instead of 45 GFLOP/s, 128 rows at 125 to 132 instead of 94 (one
Xeon core at 2.9 GHz, medians of interleaved rounds, 2026-11-23; 1024 to 8192 did not differ)."""


def tile(
    rows: int,
    depth: Operand,
    x: Pointer,
    x_stride: Operand,
    panel: Pointer,
    panel_stride: Operand,
    ahead: int = 0,
) -> list[tuple[int, int, Value]]:
    """Multiply `rows` rows of x by one panel.

    Args:
        rows: rows of the tile, fixed while compiling.
        depth: K, the length of the sums.
        x: first element of the first row.
        x_stride: elements from one row of x to the next.
        panel: first of BLOCK neighbouring weights, for k = 0.
        panel_stride: elements from one k to the next.
        ahead: prefetch weights this many elements ahead, 0 for not at all.

    Returns:
        (row, column, vector) for every vector of results, still in registers.
    """
    columns = range(0, BLOCK, LANES)
    sums = {(row, column): Variable(vector(0.0)) for row in range(rows) for column in columns}
    for k in loop(depth):
        places = {column: panel + k * panel_stride + column for column in columns}
        weights = {column: at.load() for column, at in places.items()}
        if ahead:
            for at in places.values():
                (at + ahead).prefetch()
        for row in range(rows):
            value = (x + row * x_stride + k).broadcast()
            for column in columns:
                total = sums[row, column]
                total.value = fma(value, weights[column], total.value)
    return [(row, column, total.value) for (row, column), total in sums.items()]


def row_blocks(total: Value) -> Iterator[tuple[Value, int]]:
    """Cover `total` rows with tiles: (first row, rows) of the whole ones, then of the rest."""
    whole = total - total % ROWS
    for row in loop(0, whole, ROWS):
        yield row, ROWS
    for rest in range(1, ROWS):
        with when((total - whole).equals(rest)):
            yield whole, rest


def linear_kernel(activation: Activation = identity, residual: bool = False) -> Any:
    """Make the kernel of a linear layer with what follows it.

    Returns:
        A staged function `(team, x [T, K], depth, weight [N/BLOCK, K, BLOCK], bias [N],
        out [T, N])`, with `residual [T, N]` as one more argument before `out` where asked for. N
        is padded to BLOCK; x may be padded beyond `depth` = K.
    """

    def multiply(
        team: Array,
        x: Array,
        depth: Value,
        weight: Array,
        bias: Array,
        added: Array | None,
        out: Array,
    ) -> None:
        for panel in claims(team, weight.shape[0]):
            for row, rows in row_blocks(x.shape[0]):
                results = tile(
                    rows, depth, x[row, 0], x.shape[1], weight[panel, 0, 0], BLOCK, AHEAD
                )
                for i, column, value in results:
                    at = panel * BLOCK + column
                    value = activation(value + bias[at].load())
                    if added is not None:
                        value = value + added[row + i, at].load()
                    out[row + i, at].store(value)
        meet(team)

    @staged
    def linear(team: Array, x: Array, depth: Value, weight: Array, bias: Array, out: Array) -> None:
        multiply(team, x, depth, weight, bias, None, out)

    @staged
    def linear_residual(
        team: Array,
        x: Array,
        depth: Value,
        weight: Array,
        bias: Array,
        residual: Array,
        out: Array,
    ) -> None:
        multiply(team, x, depth, weight, bias, residual, out)

    return linear_residual if residual else linear
