"""The product on matrix registers (Intel's AMX): `product.py`'s tile, a thousand results at a time.

A matrix register, here called a tile as in Intel's manual, holds 16 rows of 64 bytes. One instruction
multiplies 16 rows of x, 16 words each, by 16 words of 16 columns, and adds up 16 x 16 sums. Its
weights lie just as the pair and quad dots of vector registers want them, so the panels are the same.

Two tiles of rows by two of columns fill the eight tiles there are: four of sums, two of x, two of
weights. Rows beyond the last are computed from whatever lies there, and never read.
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils

from minner.kernels.precision import Precision
from minner.kernels.staged import (
    INT8,
    INT64,
    Operand,
    Pointer,
    Value,
    call,
    emit,
    lift,
    loop,
    staged,
    when,
)
from minner.kernels.target import BLOCK, CACHE_LINE, TARGET, TILE_ROWS, WORD_GROUP

ROW_BYTES = 64
SUMS, ROWS_OF_X, COLUMNS = (0, 1, 2, 3), (4, 5), (6, 7)
"""The numbers of the tiles: of sums (row, column), of rows of x, of columns of weights."""

COLUMN_WORDS = 16
"""Columns of a tile of weights or sums."""

_VOID = ir.VoidType()


def _number(tile: int) -> Value:
    return Value(INT8(tile))


def _move(name: str, tile: int, at: Pointer, stride: Operand) -> None:
    """Load or store a tile; the stride is in words."""
    call(name, _VOID, _number(tile), at.of(INT8), lift(stride, INT64) * 4)


@staged
def configure_tiles() -> None:
    """Make all eight tiles 16 rows of 64 bytes; each thread does that for itself.

    The 64 bytes of the configuration: palette 1, then from byte 16 the bytes of a row of each
    tile (16 bits each), from byte 48 the rows of each (8 bits).
    """
    if not TARGET.tiles:
        return
    shape = bytearray(64)
    shape[0] = 1
    shape[16:32] = ROW_BYTES.to_bytes(2, "little") * 8
    shape[48:56] = bytes([TILE_ROWS]) * 8
    kind = ir.ArrayType(INT8, 64)
    constant = cgutils.global_constant(emit(), "minner.tiles", ir.Constant(kind, shape))
    call("llvm.x86.ldtilecfg", _VOID, Pointer(constant).of(INT8))


@staged
def release_tiles() -> None:
    """Give the tiles back, so that the system need not save them with the thread."""
    if TARGET.tiles:
        call("llvm.x86.tilerelease", _VOID)

def add_tiles(
    precision: Precision,
    x: Pointer,
    x_stride: Operand,
    panel: Pointer,
    panel_stride: Operand,
    words: Value,
    out: Pointer,
    out_stride: Operand,
    rows: Value,
    upcoming: Pointer | None = None,
    fresh: bool = False,
) -> None:
    """Multiply rows of x by a panel, and write the sums `[rows, BLOCK]`, or add to what is there.

    Args:
        precision: of x and the weights.
        x: first word of the first row.
        x_stride: words from one row of x to the next.
        panel: first of BLOCK neighbouring words of weights.
        panel_stride: words from one row of the panel to the next.
        words: words of K, a multiple of WORD_GROUP.
        out: where the sums go; there must be room for whole pairs of tiles.
        out_stride: words from one row of sums to the next.
        rows: how many.
        upcoming: as many words, BLOCK columns of them, to fetch meanwhile.
        fresh: whether to write the sums, not to add them.
    """
    pairs = (rows + (2 * TILE_ROWS - 1)) // (2 * TILE_ROWS)
    for row in loop(0, rows, 2 * TILE_ROWS):
        more = rows - row > TILE_ROWS
        for row_tiles in (1, 2):
            with when(more.equals(row_tiles - 1)):
                block = _Block(row_tiles, out + row * out_stride, out_stride)
                if fresh:
                    block.clear()
                else:
                    block.move("llvm.x86.tileloadd64")
                for word in loop(0, words, WORD_GROUP):
                    if upcoming is not None:
                        pair = row // (2 * TILE_ROWS)
                        _fetch_share(upcoming, pair * words + word, pairs)
                    at = panel + word * panel_stride
                    block.add(precision, x + row * x_stride + word, x_stride, at, panel_stride)
                block.move("llvm.x86.tilestored64")


class _Block:
    """One or two tiles of rows by two of columns."""

    def __init__(self, row_tiles: int, sums: Pointer, stride: Operand) -> None:
        """Say where the sums lie in memory."""
        self._sums, self._stride = sums, stride
        self._tiles = [(i, j) for i in range(row_tiles) for j in range(2)]

    def clear(self) -> None:
        for i, j in self._tiles:
            call("llvm.x86.tilezero", _VOID, _number(SUMS[2 * i + j]))

    def move(self, name: str) -> None:
        """Load or store the sums."""
        for i, j in self._tiles:
            at = self._sums + lift(self._stride, INT64) * (TILE_ROWS * i) + COLUMN_WORDS * j
            _move(name, SUMS[2 * i + j], at, self._stride)

    def add(
        self, precision: Precision, x: Pointer, x_stride: Operand, panel: Pointer, stride: Operand
    ) -> None:
        """Add the products of WORD_GROUP words."""
        load = "llvm.x86.tileloadd64"
        for i, j in self._tiles:
            if i == 0:
                _move(load, COLUMNS[j], panel + COLUMN_WORDS * j, stride)
            if j == 0:
                rows = x + lift(x_stride, INT64) * (TILE_ROWS * i)
                _move(load, ROWS_OF_X[i], rows, x_stride)
            numbers = SUMS[2 * i + j], ROWS_OF_X[i], COLUMNS[j]
            call(precision.tile_dot, _VOID, *map(_number, numbers))


def _fetch_share(upcoming: Pointer, word: Value, pairs: Value) -> None:
    """Fetch what falls to WORD_GROUP words of one of the pairs of tiles, four lines at a time."""
    lines = WORD_GROUP * BLOCK // CACHE_LINE
    share = (pairs + (lines // 4 - 1)) // pairs  # of four lines, rounded up
    start = upcoming + word // WORD_GROUP * share * (4 * CACHE_LINE)
    for four in loop(share):
        for line in range(4):
            (start + four * (4 * CACHE_LINE) + line * CACHE_LINE).prefetch()
