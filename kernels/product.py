"""The matrix product: where nearly all of the time goes.

`out = activation(x @ weight.T + bias) + residual`, with the weight packed once into panels of
BLOCK output columns, `[N / BLOCK, K, BLOCK]`: the kernel then reads it front to back. A tile of
ROWS x BLOCK results stays in vector registers while k runs over the inner dimension: two loads
of weights and ROWS broadcasts of x feed 2 * ROWS multiply-adds.

Every result is the same chain of multiply-adds in the order of k, cut in the same places, whatever
tile it falls in. That is why a sentence gets the same bits alone and in any batch. The threads of
a team share the panels, so each weight is read by one core, and their number changes no bit.
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
    minimum,
    staged,
    vector,
    when,
)
from minner.kernels.target import BLOCK, LANES, ROWS
from minner.kernels.team import claims, meet

DEPTH = 256
"""Sums are cut after so many terms, because rounding errors grow with the length of a chain and K
reaches 3072. On CoNLL-2003 the root mean square error of the embedded model's logits against
float64 fell from 9.0e-7 to 5.6e-7; transformers has 6.7e-7 there. (A piece of 32 KB fits in L1
besides, which made no difference in speed.)"""

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
        tokens = x.shape[0]
        for panel in claims(team, weight.shape[0]):
            columns = [panel * BLOCK + column for column in range(0, BLOCK, LANES)]
            for row in loop(tokens):
                for at in columns:
                    out[row, at].store(vector(0.0))
            for k in loop(0, depth, DEPTH):
                length = minimum(depth - k, DEPTH)
                for row, rows in row_blocks(tokens):
                    for i, column, partial in tile(
                        rows, length, x[row, k], x.shape[1], weight[panel, k, 0], BLOCK, AHEAD
                    ):
                        total = out[row + i, panel * BLOCK + column]
                        total.store(total.load() + partial)
            for row in loop(tokens):
                for at in columns:
                    value = activation(out[row, at].load() + bias[at].load())
                    if added is not None:
                        value = value + added[row, at].load()
                    out[row, at].store(value)
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
