"""Step 12, matrix registers: one instruction adds 32 products to each of 256 sums.

Intel's AMX has eight registers of 16 rows of 64 bytes, called tiles. One instruction multiplies a
tile of x by a tile of the weight and adds the products to a tile of sums. Two tiles of x and two of
the weight make four of sums: 32 rows by 32 columns.
"""

import numpy as np
from numba import njit
from step04_packing import micropanels
from step10_bfloat16 import pairs

from minner.kernels.amx import (
    LOAD,
    STORE,
    SUM_TILES,
    WEIGHT_TILES,
    X_TILES,
    add_product,
    configure_tiles,
    move_tile,
    release_tiles,
)
from minner.kernels.precision import bfloat16
from minner.kernels.vector.control import loop
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import AMX_TILE, TARGET

SKIPPED = "" if TARGET.amx else "this processor has no AMX, or the system does not let us use it"
ROUNDING = "bfloat16"
KC, MR, NR = 128, 2 * AMX_TILE, 2 * AMX_TILE
TILES = [(i, j) for i in range(2) for j in range(2)]


def prepare(x, weight):
    """Dwords of bfloat16: x in rows, the weight in micropanels, both in whole tiles."""
    x, weight = pairs(x), pairs(weight)
    depth = 0, -x.shape[1] % AMX_TILE
    rows = 0, -len(x) % MR
    return np.pad(x, (rows, depth)), micropanels(np.pad(weight, ((0, 0), depth)), NR)


@staged
def add_tiles(x, panels, out, t, p, k0, k1):
    """Add MR rows of x times a micropanel to out, of K the dwords from k0 to k1."""
    places = [out[t + AMX_TILE * i, p * NR + AMX_TILE * j] for i, j in TILES]
    for tile, place in zip(SUM_TILES, places, strict=True):
        move_tile(LOAD, tile, place, out.shape[1])
    for k in loop(k0, k1, AMX_TILE):
        for i in range(2):
            move_tile(LOAD, X_TILES[i], x[t + AMX_TILE * i, k], x.shape[1])
            move_tile(LOAD, WEIGHT_TILES[i], panels[p, k, AMX_TILE * i], NR)
        for tile, (i, j) in zip(SUM_TILES, TILES, strict=True):
            add_product(bfloat16, tile, X_TILES[i], WEIGHT_TILES[j])
    for tile, place in zip(SUM_TILES, places, strict=True):
        move_tile(STORE, tile, place, out.shape[1])


@njit
def product(x, panels):
    """Micropanel by micropanel, and of K the part from k0 to k1."""
    count, depth, _ = panels.shape
    out = np.zeros((len(x), count * NR), dtype=np.float32)
    configure_tiles()
    for p in range(count):
        for k0 in range(0, depth, KC):
            k1 = min(k0 + KC, depth)
            for t in range(0, len(x), MR):
                add_tiles(x, panels, out, t, p, k0, k1)
    release_tiles()
    return out
