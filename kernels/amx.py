"""The product in AMX tiles, Intel's matrix registers: 1024 sums at a time.

An AMX tile holds 16 rows of 64 bytes. One instruction multiplies 16 rows of x, 16 dwords each, by
16 dwords of 16 columns, and adds the products to 16 x 16 sums. A dword holds as many values as for
the dot products in vector registers, so micropanels are the same, but cut into AMX tiles.

There are eight such tiles. Two of x (32 rows) and two of weights (32 columns) give four of sums.
Rows beyond the last one are computed from whatever the memory holds there, and nobody reads them.
"""

from __future__ import annotations

from llvmlite import ir

from minner.kernels.microkernel import Block, Prefetch
from minner.kernels.precision import Precision
from minner.kernels.vector.control import loop, when
from minner.kernels.vector.internals import constant_bytes
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import AMX_TILE, NR, TARGET
from minner.kernels.vector.values import INT8, INT64, Pointer, Value, ValueLike, call, emit, lift

SUM_TILES, X_TILES, WEIGHT_TILES = (0, 1, 2, 3), (4, 5), (6, 7)
"""The numbers of the tiles; those of sums are row by row."""

LOAD, STORE = "llvm.x86.tileloadd64", "llvm.x86.tilestored64"

_ROW_BYTES = 64
_VOID = ir.VoidType()


@staged
def configure_tiles() -> None:
    """Make all eight tiles 16 rows of 64 bytes; each thread does that for itself.

    The configuration has 64 bytes: palette 1, then from byte 16 the bytes in a row of each tile (16
    bits each), and from byte 48 the rows of each (8 bits).
    """
    if not TARGET.amx:
        return
    configuration = bytearray(64)
    configuration[0] = 1
    configuration[16:32] = _ROW_BYTES.to_bytes(2, "little") * 8
    configuration[48:56] = bytes([AMX_TILE]) * 8
    address = constant_bytes(emit(), "minner.tiles", bytes(configuration))
    call("llvm.x86.ldtilecfg", _VOID, Pointer(address).of(INT8))


@staged
def release_tiles() -> None:
    """Give the tiles back, so that the system need not save them with the thread."""
    if TARGET.amx:
        call("llvm.x86.tilerelease", _VOID)


def move_tile(operation: str, tile: int, at: Pointer, stride: ValueLike) -> None:
    """LOAD or STORE a tile, whose rows lie `stride` dwords apart."""
    call(operation, _VOID, _number(tile), at.of(INT8), lift(stride, INT64) * 4)


def add_product(precision: Precision, sums: int, x: int, weights: int) -> None:
    """Add the product of two tiles to a third one."""
    call(precision.amx_dot, _VOID, *map(_number, (sums, x, weights)))


def _number(tile: int) -> Value:
    return Value(INT8(tile))


def multiply_in_amx_tiles(precision: Precision, block: Block, prefetch: Prefetch) -> None:
    """Multiply a block, whose rows fill one or two tiles."""
    needs_both = block.rows > AMX_TILE
    for row_tiles in (1, 2):
        with when(needs_both.equals(row_tiles - 1)):
            _multiply(precision, block, prefetch, row_tiles)


def _multiply(precision: Precision, block: Block, prefetch: Prefetch, row_tiles: int) -> None:
    tiles = [(i, j) for i in range(row_tiles) for j in range(2)]
    with when(block.overwrite.equals(1)):
        for i, j in tiles:
            call("llvm.x86.tilezero", _VOID, _number(SUM_TILES[2 * i + j]))
    with when(block.overwrite.equals(0)):
        _move_sums(LOAD, block, tiles)
    for k in loop(0, block.kc, AMX_TILE):
        x, weights = block.x + k * AMX_TILE, block.weights + k * NR
        ahead = prefetch._replace(weights=prefetch.weights + k * prefetch.dwords)
        for number, (i, j) in enumerate(tiles):
            _fetch_part(ahead, number, len(tiles))
            if i == 0:
                move_tile(LOAD, WEIGHT_TILES[j], weights + AMX_TILE * AMX_TILE * j, AMX_TILE)
            if j == 0:
                move_tile(LOAD, X_TILES[i], x + block.x_dwords * (AMX_TILE * i), AMX_TILE)
            add_product(precision, SUM_TILES[2 * i + j], X_TILES[i], WEIGHT_TILES[j])
    _move_sums(STORE, block, tiles)


def _move_sums(operation: str, block: Block, tiles: list[tuple[int, int]]) -> None:
    for i, j in tiles:
        at = block.sums + block.sums_stride * (AMX_TILE * i) + AMX_TILE * j
        move_tile(operation, SUM_TILES[2 * i + j], at, block.sums_stride)


def _fetch_part(prefetch: Prefetch, part: int, parts: int) -> None:
    """Prefetch one of several equal parts of the next weights.

    AMX_TILE dwords of K have `prefetch.dwords` cache lines to prefetch. All at once, they would
    wait for each other.
    """
    lines = (prefetch.dwords + (parts - 1)) // parts
    for line in loop(lines * part, lines * (part + 1)):
        (prefetch.weights + line * AMX_TILE).prefetch(2)
