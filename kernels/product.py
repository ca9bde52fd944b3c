"""The matrix product: where nearly all of the time goes.

`out = activation(x @ weight.T + bias) + residual`, with the weight packed once into panels of
BLOCK output columns, `[N / BLOCK, words of K, BLOCK]`: the kernel then reads it front to back. A
tile of ROWS x BLOCK results stays in vector registers while k runs over the inner dimension: two
loads of weights and ROWS broadcasts of x feed 2 * ROWS multiply-adds. Weights come from memory
beyond the caches, so while a piece of a panel is used, the next one is fetched.

Every result is the same chain of multiply-adds in the order of k, cut in the same places, whatever
tile it falls in. That is why a sentence gets the same bits alone and in any batch. The threads of
a team share the panels, so each weight is read by one core, or the rows, where a layer has few
columns for them (`Precision.row_preference`): neither changes a bit.

Sums are cut after DEPTH words, because rounding errors grow with the length of a chain
and K reaches 3072. On CoNLL-2003 the root mean square error of the embedded model's float32 logits
against float64 fell from 9.0e-7 to 5.6e-7; transformers has 6.7e-7 there. A piece of a panel, as
many words of it, and the one that is fetched meanwhile, fit in L1 too.

A word is one value of k in float32, two in bfloat16 and four in int8 (see `precision.py`); where
there are matrix registers, `amx.py` takes the place of the tile here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from llvmlite import ir

from minner.kernels.activations import Activation, identity
from minner.kernels.amx import multiply_tiles
from minner.kernels.precision import Precision, Rows, float32
from minner.kernels.runtime.layout import LINE, WORKERS, Linear, Member
from minner.kernels.runtime.layout import Operand as X
from minner.kernels.runtime.team import claims, meet
from minner.kernels.vector.staged import (
    INT64,
    INTS,
    Array,
    Pointer,
    Value,
    Variable,
    choose,
    fma,
    lift,
    loop,
    maximum,
    minimum,
    outlined,
    select,
    staged,
    to_float,
    when,
)
from minner.kernels.vector.target import (
    BLOCK,
    LANES,
    TILE,
)

DEPTH = 128
"""Words of K after which sums are cut, at most."""

GROUP_WORDS = 128 * 3072
"""Words of x in the rows that a panel passes by, at most: 1.5 MB stay near meanwhile."""


# ---- a few rows by a piece of a panel ---------------------------------------------------------


def tile(
    precision: Precision,
    rows: int,
    words: Value,
    x: Pointer,
    next_x: Pointer,
    piece: Pointer,
    upcoming: Pointer,
    share: Value,
    lines: int,
) -> list[tuple[int, int, Value]]:
    """Multiply `rows` rows of x, a number fixed while compiling, by a piece of a panel.

    Meanwhile it fetches x of the next tile, and for each word `share` words of the weights to come,
    with `lines` fetches for two words: a fetch takes the place of a load.

    Returns:
        (row, column, vector) for every vector of sums, still in registers.
    """
    columns = range(0, BLOCK, LANES)
    zero = Value(ir.Constant(precision.sums, [0] * LANES))
    sums = {(row, column): Variable(zero) for row in range(rows) for column in columns}
    parts = precision.parts
    height = parts * precision.form.rows  # words of a block of x that meet one word
    for first in loop(0, words, TILE // parts):
        for pair in loop(0, TILE // parts, 2):
            for line in range(lines):
                (upcoming + (first + pair) * share + line * TILE).prefetch(2)
            for at in range(0, 2 * height, TILE):
                (next_x + (first + pair) * height + at).prefetch(1)
            for word in (pair, pair + 1):
                weights_at = piece + (first + word) * BLOCK
                weights = {column: (weights_at + column).load() for column in columns}
                for row in range(rows):
                    here = x + first * height + word * parts + row * TILE
                    values = [(here + part).broadcast() for part in range(parts)]
                    for column in columns:
                        total = sums[row, column]
                        total.value = precision.dot(total.value, values, weights[column])
    return [(row, column, total.value) for (row, column), total in sums.items()]


def row_tiles(rows: Value, height: int) -> Iterator[tuple[Value, int]]:
    """Cover rows with tiles: (first row, rows) of the whole ones, then of the rest."""
    whole = rows - rows % height
    for row in loop(0, whole, height):
        yield row, height
    for rest in range(1, height):
        with when((rows - whole).equals(rest)):
            yield whole, rest


@cache
def multiply(precision: Precision) -> Callable[..., None]:
    """The product of at most `block_rows` rows of x and a piece of a panel.

    Returns:
        A function to call while compiling, of

        - x, x_words: the first word of the first row, and how many words a row has in all.
        - piece, words: of the panel, `[words, BLOCK]`.
        - sums, stride: where the sums go, and words from one row of them to the next. There must
          be room for `block_rows` rows.
        - rows: how many.
        - fresh: 1 to write the sums, 0 to add to what is there.
        - upcoming, share: where to fetch from meanwhile, and how many words for each word of a row.
    """

    def product(
        x: Pointer,
        x_words: Value,
        piece: Pointer,
        words: Value,
        sums: Pointer,
        stride: Value,
        rows: Value,
        fresh: Value,
        upcoming: Pointer,
        share: Value,
    ) -> None:
        if precision.form.tiled:
            multiply_tiles(
                precision, x, x_words, piece, words, sums, stride, rows, fresh, upcoming, share
            )
            return
        height = precision.form.rows

        def multiply_tile(row: Value, count: int, lines: int) -> None:
            here, ahead = x + row * x_words, upcoming + row // height * share * words
            results = tile(
                precision, count, words, here, here + x_words * height, piece, ahead, share, lines
            )
            pairs = [(sums + (row + i) * stride + column, total) for i, column, total in results]
            with when(fresh.equals(1)):
                for at, total in pairs:
                    at.store(total)
            with when(fresh.equals(0)):
                for at, total in pairs:
                    at.store(at.load(precision.sums) + total)

        is_large = share > TILE // 2  # two words of it are more than a line
        for row, count in row_tiles(rows, height):
            if count < height:
                multiply_tile(row, count, lines=2)
                continue
            with when(is_large.equals(1)):
                multiply_tile(row, count, lines=2)
            with when(is_large.equals(0)):
                multiply_tile(row, count, lines=1)

    product.__name__ = f"multiply_{precision.name}"
    return outlined(product)


# ---- a linear layer ---------------------------------------------------------------------------


def _finish(
    precision: Precision, layer: Linear, at: Value, total: Pointer, scale: Value | None
) -> Value:
    """What sums are worth, with the bias added; `scale` is that of the row of x."""
    bias: Value = layer.bias[at].load()
    if scale is None:
        return total.load() + bias
    exact = total.load(INTS)
    if precision.offset:
        exact = exact - layer.column_sum[at].load(INTS) * precision.offset
    return fma(to_float(exact), scale * layer.scale[at].load(), bias)


def linear_kernel(
    precision: Precision = float32,
    activation: Activation = identity,
    residual: bool = False,
    given: Rows = float32.plain,
    parts: int = 1,
) -> Any:
    """Make the kernel of a linear layer with what follows it.

    Args:
        precision: of the product.
        activation: is applied to the result.
        residual: whether something is added to it.
        given: in which form it is stored.
        parts: how many results of equal width stand side by side.

    Returns:
        A staged function `(team, x, layer, accumulator, out [T, N])`, with `residual [T, N]` as
        one more argument after the layer where asked for. x is an `Operand` and the layer a
        `Linear` of `layout.py`; the accumulator is scratch of this thread, `[GROUP_ROWS, BLOCK]`.
    """
    product, block_rows = multiply(precision), precision.block_rows
    tile_rows = block_rows if precision.form.tiled else precision.form.rows

    def group_size(tokens: Value, words: Value, multiple: Value) -> Value:
        """Rows of a group: few enough to stay near, and groups as equal as whole tiles allow.

        There are a multiple of `multiple` groups, unless tiles run out.
        """
        near = lift(GROUP_WORDS, INT64) // words // block_rows * block_rows
        most = minimum(maximum(near, block_rows), precision.group_rows)
        groups = (tokens + (most * multiple - 1)) // (most * multiple) * multiple
        return (tokens + (groups * tile_rows - 1)) // (groups * tile_rows) * tile_rows

    def run(
        team: Member, x: X, layer: Linear, added: Array | None, accumulator: Array, out: Array
    ) -> None:
        panels, words, tokens = layer.weight.shape[0], layer.weight.shape[1], x.rows.shape[0]
        workers = team.state[WORKERS * LINE].scalar()
        # Queries, keys and values stay shared by panels: attention finds its own heads near then.
        by_rows = panels * BLOCK * workers < tokens * (precision.row_preference * (parts == 1))
        size = group_size(tokens, words, select(by_rows, workers, 1))
        groups = (tokens + (size - 1)) // size
        x_words = x.rows.shape[1]
        pieces = (words + (DEPTH - 1)) // DEPTH  # as equal as whole lines allow
        depth = (words + (pieces * TILE - 1)) // (pieces * TILE) * TILE

        def in_order(item: Value) -> Value:
            """Panels of all parts in turns, so that a thread's share is the same in each part."""
            return item if parts == 1 else item % parts * (panels // parts) + item // parts

        items = select(by_rows, groups * panels, panels)
        for item, turn, following in claims(team, items, select(by_rows, 1, groups)):
            first = select(by_rows, item // panels, turn) * size
            panel, next_panel = in_order(item % panels), in_order(following % panels)
            rows = minimum(tokens - first, size)
            blocks = (rows + (block_rows - 1)) // block_rows
            # Each tile fetches its share of the next piece: one burst of it, or 4 KB ahead of the
            # load, gave 77 to 90 % of this speed (docs/what-did-not-help.md).
            tiles = (rows + (tile_rows - 1)) // tile_rows
            share = (tiles + (BLOCK - 1)) // tiles
            for word in loop(0, words, depth):
                count = minimum(words - word, depth)
                is_last = word + depth > words - 1
                piece = layer.weight[panel, word, 0]
                upcoming = choose(is_last, layer.weight[next_panel, 0, 0], piece + depth * BLOCK)
                for block in loop(blocks):
                    row = block * block_rows
                    here = minimum(rows - row, block_rows)
                    x_row = precision.row(x.rows.data, x_words, first + row)
                    # Sums that no other piece is added to need not leave L1.
                    sums = accumulator[select(words > depth, row, 0)]
                    product(
                        x_row + word * (precision.parts * precision.form.rows),
                        x_words,
                        piece,
                        count,
                        sums,
                        lift(BLOCK, INT64),
                        here,
                        select(word.equals(0), lift(1, INT64), 0),
                        upcoming + block * (block_rows // tile_rows) * share * count,
                        share,
                    )
                    with when(is_last):
                        finish(x, layer, added, panel * BLOCK, first + row, here, sums, out)
        meet(team)

    def finish(
        x: X,
        layer: Linear,
        added: Array | None,
        at: Value,
        first: Value,
        rows: Value,
        sums: Pointer,
        out: Array,
    ) -> None:
        for row in loop(rows):
            token = first + row
            scale = x.scale[token].broadcast() if precision.form.quantised else None
            halves = []
            for column in range(0, BLOCK, LANES):
                total = sums + row * BLOCK + column
                value = activation(_finish(precision, layer, at + column, total, scale))
                if added is not None:
                    value = value + added[token, at + column].load()
                halves.append(value)
            given.write(out, token, at, halves)

    @staged
    def linear(team: Member, x: X, layer: Linear, accumulator: Array, out: Array) -> None:
        run(team, x, layer, None, accumulator, out)

    @staged
    def linear_residual(
        team: Member, x: X, layer: Linear, residual: Array, accumulator: Array, out: Array
    ) -> None:
        run(team, x, layer, residual, accumulator, out)

    return linear_residual if residual else linear
