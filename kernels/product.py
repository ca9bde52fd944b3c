"""The matrix product: where nearly all of the time goes.

`out = activation(x @ weight.T + bias) + residual`, with the weight packed once into panels of
BLOCK output columns, `[N / BLOCK, K, BLOCK]`: the kernel then reads it front to back. A tile of
ROWS x BLOCK results stays in vector registers while k runs over the inner dimension: two loads
of weights and ROWS broadcasts of x feed 2 * ROWS multiply-adds. Weights come from memory beyond
the caches, so while a piece of a panel is used, the next one is fetched.

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
    choose,
    fma,
    loop,
    minimum,
    outlined,
    staged,
    vector,
    when,
)
from minner.kernels.target import BLOCK, CACHE_LINE, GROUP, LANES, ROWS
from minner.kernels.team import claims, meet

DEPTH = 256
"""Sums are cut after so many terms, because rounding errors grow with the length of a chain and K
reaches 3072. On CoNLL-2003 the root mean square error of the embedded model's logits against
float64 fell from 9.0e-7 to 5.6e-7; transformers has 6.7e-7 there. A piece of a panel, DEPTH x
BLOCK weights, also fits in L1."""


def tile(
    rows: int,
    depth: Operand,
    x: Pointer,
    x_stride: Operand,
    panel: Pointer,
    panel_stride: Operand,
    upcoming: Pointer | None = None,
    upcoming_step: Operand = 0,
) -> list[tuple[int, int, Value]]:
    """Multiply `rows` rows of x by one panel.

    Args:
        rows: rows of the tile, fixed while compiling.
        depth: K, the length of the sums.
        x: first element of the first row.
        x_stride: elements from one row of x to the next.
        panel: first of BLOCK neighbouring weights, for k = 0.
        panel_stride: elements from one k to the next.
        upcoming: fetch weights from here meanwhile, if given.
        upcoming_step: elements of them for each k.

    Returns:
        (row, column, vector) for every vector of results, still in registers.
    """
    columns = range(0, BLOCK, LANES)
    sums = {(row, column): Variable(vector(0.0)) for row in range(rows) for column in columns}
    for k in loop(depth):
        weights = {column: (panel + k * panel_stride + column).load() for column in columns}
        if upcoming is not None:
            for line in range(0, BLOCK, CACHE_LINE):
                (upcoming + k * upcoming_step + line).prefetch()
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


def clear(accumulator: Pointer, rows: Value) -> None:
    """Set the sums of one panel, `[rows, BLOCK]`, to 0."""
    for at in loop(0, rows * BLOCK, LANES):
        (accumulator + at).store(vector(0.0))


@outlined
def add_product(
    x: Pointer,
    x_stride: Value,
    piece: Pointer,
    depth: Value,
    next_piece: Pointer,
    accumulator: Pointer,
    rows: Value,
) -> None:
    """Add to the sums of one panel what `depth` columns of x and a piece of the weight panel give.

    The tiles share the fetching of the next piece: one burst of it, or 4 KB ahead of the load,
    gave 77 to 90 % of this speed (docs/what-did-not-help.md).
    """
    tiles = (rows + (ROWS - 1)) // ROWS
    step = (tiles + (BLOCK - 1)) // tiles  # BLOCK / tiles, rounded up
    for row, count in row_blocks(rows):
        upcoming = next_piece + row // ROWS * step * depth
        for i, column, partial in tile(
            count, depth, x + row * x_stride, x_stride, piece, BLOCK, upcoming, step
        ):
            total = accumulator + (row + i) * BLOCK + column
            total.store(total.load() + partial)


def linear_kernel(activation: Activation = identity, residual: bool = False) -> Any:
    """Make the kernel of a linear layer with what follows it.

    Returns:
        A staged function `(team, x [T, K], depth, weight [N/BLOCK, K, BLOCK], bias [N],
        accumulator, out [T, N])`, with `residual [T, N]` as one more argument after the bias where
        asked for. N is padded to BLOCK; x may be padded beyond `depth` = K; the accumulator is
        scratch of this thread, `[GROUP, BLOCK]`.
    """

    def multiply(
        team: Array,
        x: Array,
        depth: Value,
        weight: Array,
        bias: Array,
        added: Array | None,
        accumulator: Array,
        out: Array,
    ) -> None:
        panels = weight.shape[0]
        groups = (x.shape[0] + (GROUP - 1)) // GROUP
        for item, following in claims(team, groups * panels):
            panel, first = item % panels, item // panels * GROUP
            rows = minimum(x.shape[0] - first, GROUP)
            next_panel = weight[following % panels, 0, 0]
            clear(accumulator[0], rows)
            for k in loop(0, depth, DEPTH):
                length = minimum(depth - k, DEPTH)
                piece = weight[panel, k, 0]
                next_piece = choose(k + DEPTH < depth, piece + DEPTH * BLOCK, next_panel)
                add_product(
                    x[first, k], x.shape[1], piece, length, next_piece, accumulator[0], rows
                )
            for row in loop(rows):
                for column in range(0, BLOCK, LANES):
                    at = panel * BLOCK + column
                    value = activation(accumulator[row, column].load() + bias[at].load())
                    if added is not None:
                        value = value + added[first + row, at].load()
                    out[first + row, at].store(value)
        meet(team)

    @staged
    def linear(
        team: Array,
        x: Array,
        depth: Value,
        weight: Array,
        bias: Array,
        accumulator: Array,
        out: Array,
    ) -> None:
        multiply(team, x, depth, weight, bias, None, accumulator, out)

    @staged
    def linear_residual(
        team: Array,
        x: Array,
        depth: Value,
        weight: Array,
        bias: Array,
        residual: Array,
        accumulator: Array,
        out: Array,
    ) -> None:
        multiply(team, x, depth, weight, bias, residual, accumulator, out)

    return linear_residual if residual else linear
