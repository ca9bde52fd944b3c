"""The matrix product: where nearly all of the time goes.

`out = activation(x @ weight.T + bias) + residual`, with the weight packed once into panels of
BLOCK output columns, `[N / BLOCK, words of K, BLOCK]`: the kernel then reads it front to back. A
tile of ROWS x BLOCK results stays in vector registers while k runs over the inner dimension: two
loads of weights and ROWS broadcasts of x feed 2 * ROWS multiply-adds. Weights come from memory
beyond the caches, so while a piece of a panel is used, the next one is fetched.

Every result is the same chain of multiply-adds in the order of k, cut in the same places, whatever
tile it falls in. That is why a sentence gets the same bits alone and in any batch. The threads of
a team share the panels, so each weight is read by one core, and their number changes no bit.

A word is one value of k in float32, two in bfloat16 and four in int8 (see `precision.py`); where
there are matrix registers, `tiles.py` takes the place of the tile here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from llvmlite import ir

from minner.kernels.functions import Activation, identity
from minner.kernels.layout import Linear
from minner.kernels.layout import Operand as Rows
from minner.kernels.precision import Precision, Write, float32
from minner.kernels.staged import (
    FLOATS,
    INTS,
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
    to_float,
    when,
)
from minner.kernels.target import BLOCK, CACHE_LINE, GROUP, LANES, ROWS
from minner.kernels.team import claims, meet
from minner.kernels.tiles import add_tiles

DEPTH = 256
"""Sums are cut after so many words, because rounding errors grow with the length of a chain and K
reaches 3072. On CoNLL-2003 the root mean square error of the embedded model's float32 logits
against float64 fell from 9.0e-7 to 5.6e-7; transformers has 6.7e-7 there. A piece of a panel,
DEPTH x BLOCK words, also fits in L1."""

Multiply = Callable[..., None]


# ---- a few rows by one panel ------------------------------------------------------------------


def tile(
    precision: Precision,
    rows: int,
    words: Operand,
    x: Pointer,
    x_stride: Operand,
    panel: Pointer,
    panel_stride: Operand,
    fetch: Callable[[Value], None] = lambda word: None,
) -> list[tuple[int, int, Value]]:
    """Multiply `rows` rows of x by one panel.

    Args:
        precision: of x and the weights.
        rows: rows of the tile, fixed while compiling.
        words: words of K.
        x: first word of the first row.
        x_stride: words from one row of x to the next.
        panel: first of BLOCK neighbouring words of weights.
        panel_stride: words from one row of the panel to the next.
        fetch: emits what is to be fetched beside each word.

    Returns:
        (row, column, vector) for every vector of sums, still in registers.
    """
    columns = range(0, BLOCK, LANES)
    zero = Value(ir.Constant(precision.sums, [0] * LANES))
    sums = {(row, column): Variable(zero) for row in range(rows) for column in columns}
    for word in loop(words):
        weights = {column: (panel + word * panel_stride + column).load() for column in columns}
        fetch(word)
        for row in range(rows):
            here = x + row * x_stride + word * precision.parts
            values = [(here + part).broadcast() for part in range(precision.parts)]
            for column in columns:
                total = sums[row, column]
                total.value = precision.dot(total.value, values, weights[column])
    return [(row, column, total.value) for (row, column), total in sums.items()]


def row_blocks(total: Value) -> Iterator[tuple[Value, int]]:
    """Cover `total` rows with tiles: (first row, rows) of the whole ones, then of the rest."""
    whole = total - total % ROWS
    for row in loop(0, whole, ROWS):
        yield row, ROWS
    for rest in range(1, ROWS):
        with when((total - whole).equals(rest)):
            yield whole, rest


# ---- many rows by one panel -------------------------------------------------------------------


@cache
def multiply(precision: Precision) -> Multiply:
    """The product of some rows of x and one panel, as attention uses it.

    Returns:
        `(x, x_stride, panel, panel_stride, words, out, out_stride, rows)`, which writes sums
        `[rows, BLOCK]` to `out`; with matrix registers, whole tiles of rows.
    """

    def write_product(
        x: Pointer,
        x_stride: Value,
        panel: Pointer,
        panel_stride: Value,
        words: Value,
        out: Pointer,
        out_stride: Value,
        rows: Value,
    ) -> None:
        if precision.tile_dot:
            add_tiles(
                precision, x, x_stride, panel, panel_stride, words, out, out_stride, rows, fresh=True
            )
            return
        for row, count in row_blocks(rows):
            here = x + row * x_stride
            for i, column, total in tile(
                precision, count, words, here, x_stride, panel, panel_stride
            ):
                (out + (row + i) * out_stride + column).store(total)

    write_product.__name__ = f"multiply_{precision.name}"
    return outlined(write_product)


@cache
def add_product(precision: Precision) -> Multiply:
    """The product of many rows of x and a piece of a weight panel, added to what is there.

    Returns:
        `(x, x_stride, piece, words, next_piece, accumulator, rows)`, which adds to the
        accumulator's sums `[rows, BLOCK]`, and fetches the next piece meanwhile. All tiles share
        the fetching: one burst of it, or 4 KB ahead of the load, gave 77 to 90 % of this speed
        (docs/what-did-not-help.md).
    """

    def add(
        x: Pointer,
        x_stride: Value,
        piece: Pointer,
        words: Value,
        next_piece: Pointer,
        accumulator: Pointer,
        rows: Value,
    ) -> None:
        if precision.tile_dot:
            add_tiles(
                precision, x, x_stride, piece, BLOCK, words, accumulator, BLOCK, rows, next_piece
            )
            return
        tiles = (rows + (ROWS - 1)) // ROWS
        step = (tiles + (BLOCK - 1)) // tiles  # BLOCK / tiles, rounded up
        for row, count in row_blocks(rows):
            upcoming = next_piece + row // ROWS * step * words

            def fetch(word: Value, upcoming: Pointer = upcoming) -> None:
                for line in range(0, BLOCK, CACHE_LINE):
                    (upcoming + word * step + line).prefetch()

            here = x + row * x_stride
            for i, column, partial in tile(
                precision, count, words, here, x_stride, piece, BLOCK, fetch
            ):
                total = accumulator + (row + i) * BLOCK + column
                total.store(total.load(precision.sums) + partial)

    add.__name__ = f"add_product_{precision.name}"
    return outlined(add)


# ---- a linear layer ---------------------------------------------------------------------------


def _start_sums(precision: Precision, layer: Linear, at: Value, out: Pointer, rows: Value) -> None:
    """Set the sums of one panel to 0, or to what the offset of x will add too much."""
    for column in range(0, BLOCK, LANES):
        start = Value(ir.Constant(precision.sums, [0] * LANES))
        if precision.offset:
            start = layer.column_sum[at + column].load(INTS) * -precision.offset
        for row in loop(rows):
            (out + row * BLOCK + column).store(start)


def _finish(precision: Precision, layer: Linear, at: Value, total: Pointer, scale: Any) -> Value:
    """What sums are worth, with the bias added; `scale` is that of the row of x."""
    bias = layer.bias[at].load()
    if precision.form.quantised:
        return fma(to_float(total.load(INTS)), scale * layer.scale[at].load(), bias)
    return total.load() + bias


def linear_kernel(
    precision: Precision = float32,
    activation: Activation = identity,
    residual: bool = False,
    write: Write = float32.write,
) -> Any:
    """Make the kernel of a linear layer with what follows it.

    Args:
        precision: of the product.
        activation: is applied to the result.
        residual: whether something is added to it.
        write: in which form it is stored.

    Returns:
        A staged function `(team, x, layer, accumulator, out [T, N])`, with `residual [T, N]` as
        one more argument after the layer where asked for. x is an `Operand` and the layer a
        `Linear` of `layout.py`; the accumulator is scratch of this thread, `[GROUP, BLOCK]`.
    """

    def run(
        team: Array, x: Rows, layer: Linear, added: Array | None, accumulator: Array, out: Array
    ) -> None:
        weight, rows_of_x = layer.weight, x.rows
        panels, words = weight.shape[0], weight.shape[1]
        groups = (rows_of_x.shape[0] + (GROUP - 1)) // GROUP
        for item, following in claims(team, groups * panels):
            panel, first = item % panels, item // panels * GROUP
            rows = minimum(rows_of_x.shape[0] - first, GROUP)
            next_panel = weight[following % panels, 0, 0]
            _start_sums(precision, layer, panel * BLOCK, accumulator[0], rows)
            for word in loop(0, words, DEPTH):
                count = minimum(words - word, DEPTH)
                piece = weight[panel, word, 0]
                next_piece = choose(word + DEPTH < words, piece + DEPTH * BLOCK, next_panel)
                here = rows_of_x[first, word * precision.parts]
                add_product(precision)(
                    here, rows_of_x.shape[1], piece, count, next_piece, accumulator[0], rows
                )
            for row in loop(rows):
                token = first + row
                scale = x.scale[token].broadcast() if precision.form.quantised else None
                for column in range(0, BLOCK, LANES):
                    at = panel * BLOCK + column
                    total = accumulator[row, column]
                    value = activation(_finish(precision, layer, at, total, scale))
                    if added is not None:
                        value = value + added[token, at].load()
                    write(out[token], at, value)
        meet(team)

    @staged
    def linear(team: Array, x: Rows, layer: Linear, accumulator: Array, out: Array) -> None:
        run(team, x, layer, None, accumulator, out)

    @staged
    def linear_residual(
        team: Array, x: Rows, layer: Linear, residual: Array, accumulator: Array, out: Array
    ) -> None:
        run(team, x, layer, residual, accumulator, out)

    return linear_residual if residual else linear
