"""The product on matrix registers (Intel's AMX): `product.py`'s tile, a thousand results at a time.

A matrix register, here called a tile as in Intel's manual, holds 16 rows of 64 bytes. One
instruction multiplies 16 rows of x, 16 words each, by 16 words of 16 columns, and adds up 16 x 16
sums. Each row of weights holds just what the pair and quad dots of vector registers take, so the
panels are the same, cut into blocks.

Two tiles of rows by two of columns fill the eight tiles there are: four of sums, two of x, two of
weights. Rows beyond the last are computed from whatever lies there, and never read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from llvmlite import ir
from numba.core import cgutils

from minner.kernels.precision import Precision
from minner.kernels.vector.staged import (
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
from minner.kernels.vector.target import BLOCK, TARGET, TILE

ROW_BYTES = 64
SUMS, ROWS_OF_X, COLUMNS = (0, 1, 2, 3), (4, 5), (6, 7)
"""The numbers of the tiles: of sums (row, column), of rows of x, of columns of weights."""

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
    shape[48:56] = bytes([TILE]) * 8
    kind = ir.ArrayType(INT8, 64)
    constant = cgutils.global_constant(emit(), "minner.tiles", ir.Constant(kind, shape))
    call("llvm.x86.ldtilecfg", _VOID, Pointer(constant).of(INT8))


@staged
def release_tiles() -> None:
    """Give the tiles back, so that the system need not save them with the thread."""
    if TARGET.tiles:
        call("llvm.x86.tilerelease", _VOID)


def multiply_tiles(
    precision: Precision,
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
    """Multiply rows of x, one or two tiles of them, by a piece of a panel.

    The arguments are those of `product.multiply`; `words` is a multiple of TILE.
    """
    more = rows > TILE
    for row_tiles in (1, 2):
        with when(more.equals(row_tiles - 1)):
            block = _Block(row_tiles, sums, stride)
            with when(fresh.equals(1)):
                block.clear()
            with when(fresh.equals(0)):
                block.move("llvm.x86.tileloadd64")
            for word in loop(0, words, TILE):
                at = x + word * TILE
                fetch = partial(_fetch_part, upcoming + word * share, share)
                block.add(precision, at, x_words, piece + word * BLOCK, fetch)
            block.move("llvm.x86.tilestored64")


def _fetch_part(upcoming: Pointer, share: Value, part: int, parts: int) -> None:
    """Fetch one of several parts of `share` cache lines: all at once they would wait in line."""
    lines = (share + (parts - 1)) // parts
    for line in loop(lines * part, lines * (part + 1)):
        (upcoming + line * TILE).prefetch(2)


class _Block:
    """One or two tiles of rows by two of columns."""

    def __init__(self, row_tiles: int, sums: Pointer, stride: Value) -> None:
        """Say where the sums lie in memory."""
        self._sums, self._stride = sums, stride
        self._tiles = [(i, j) for i in range(row_tiles) for j in range(2)]

    def clear(self) -> None:
        for i, j in self._tiles:
            call("llvm.x86.tilezero", _VOID, _number(SUMS[2 * i + j]))

    def move(self, name: str) -> None:
        """Load or store the sums."""
        for i, j in self._tiles:
            at = self._sums + self._stride * (TILE * i) + TILE * j
            _move(name, SUMS[2 * i + j], at, self._stride)

    def add(
        self,
        precision: Precision,
        x: Pointer,
        x_words: Value,
        weights: Pointer,
        fetch: Callable[[int, int], None],
    ) -> None:
        """Add the products of TILE words."""
        load = "llvm.x86.tileloadd64"
        for number, (i, j) in enumerate(self._tiles):
            fetch(number, len(self._tiles))
            if i == 0:
                _move(load, COLUMNS[j], weights + TILE * TILE * j, TILE)
            if j == 0:
                _move(load, ROWS_OF_X[i], x + x_words * (TILE * i), TILE)
            numbers = SUMS[2 * i + j], ROWS_OF_X[i], COLUMNS[j]
            call(precision.tile_dot, _VOID, *map(_number, numbers))
