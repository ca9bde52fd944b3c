"""The machine's own limits, measured: multiply-adds of one core, and bytes read from memory.

Both loops are written with the staged layer of minner's kernels, so they run on the very
registers and instructions that the kernels use.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

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
from minner.kernels.precision import PRECISIONS, Precision
from minner.kernels.vector.control import loop
from minner.kernels.vector.instructions import vector
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import AMX_TILE, LANES, TARGET
from minner.kernels.vector.values import Array, Value, Variable

Floats = NDArray[np.float32]

SUMS = 24 if TARGET.registers == 32 else 12
"""Independent sums: two multiply-add units of four cycles' latency need eight at least, and slower
instructions more (Zen 5, bfloat16: 508 GFLOP/s with 12 sums, 548 with 24). A processor of 16
registers has no room for more than 12."""

ROUNDS = 48_000_000 // SUMS
"""Rounds of SUMS multiply-adds in one call: about ten milliseconds."""

AMX_ROUNDS = 400_000
"""Rounds of one instruction for each AMX tile of sums: about ten milliseconds, too."""

FLOPS = 2 * SUMS * LANES * ROUNDS
"""Floating-point operations of one call in float32."""

VECTORS = 8
"""Vectors read at a time, each into a sum of its own."""

CHUNK = VECTORS * LANES
"""Numbers read at a time."""


def _vector_loop(precision: Precision) -> Any:
    """A loop of the precision's instructions. x are the sums, so that LLVM can leave none out."""

    @staged
    def multiply_add(rounds: Value, numbers: Array) -> None:
        starts = [numbers[i * LANES] for i in range(SUMS)]
        sums = [Variable(at.load(precision.sums)) for at in starts]
        dwords = range(precision.dwords_per_dot)
        weights = [numbers[(SUMS + i) * LANES].load() for i in dwords]
        for _ in loop(rounds):
            for total in sums:
                x = [total.value] * (precision.x_per_weight * len(dwords))
                total.value = precision.dot(total.value, x, weights)
        for at, total in zip(starts, sums, strict=True):
            at.store(total.value)

    @njit(nogil=True)
    def run(rounds: int, numbers: Floats) -> None:
        multiply_add(rounds, numbers)

    return run


def _amx_loop(precision: Precision) -> Any:
    """The same in AMX tiles: all sums, x and weights stay in them."""

    @staged
    def multiply_add(rounds: Value, numbers: Array) -> None:
        for tile in (*SUM_TILES, *X_TILES, *WEIGHT_TILES):
            move_tile(LOAD, tile, numbers[tile * AMX_TILE * AMX_TILE], AMX_TILE)
        for _ in loop(rounds):
            for tile in SUM_TILES:
                add_product(precision, tile, X_TILES[tile // 2], WEIGHT_TILES[tile % 2])
        for tile in SUM_TILES:
            move_tile(STORE, tile, numbers[tile * AMX_TILE * AMX_TILE], AMX_TILE)

    @njit(nogil=True)
    def run(rounds: int, numbers: Floats) -> None:
        configure_tiles()
        multiply_add(rounds, numbers)
        release_tiles()

    return run


@staged
def _read(numbers: Array, start: Value, stop: Value, out: Array) -> None:
    sums = [Variable(vector(0.0)) for _ in range(VECTORS)]
    for at in loop(start, stop, CHUNK):
        for i, total in enumerate(sums):
            total.value = total.value + numbers[at + i * LANES].load()
    for i, total in enumerate(sums):
        out[i * LANES].store(total.value)


@njit(nogil=True)
def _run_read(numbers: Floats, start: int, stop: int, out: Floats) -> None:
    _read(numbers, start, stop, out)


class Arithmetic:
    """Multiply-adds in registers: the peak that no kernel can pass.

    Attributes:
        what: the instructions, in words.
        flops: operations of one thread in one `run`, two for each multiply-add.
    """

    def __init__(self, most_threads: int, precision: str = "float32") -> None:
        """Plan for `run` on at most so many threads, with the instructions of a precision."""
        self._pool = ThreadPoolExecutor(most_threads)
        used = PRECISIONS[precision]
        if used.layout.amx:
            self.what = f"{precision} on AMX tiles"
            self._rounds, self._loop = AMX_ROUNDS, _amx_loop(used)
            self._dwords = len((*SUM_TILES, *X_TILES, *WEIGHT_TILES)) * AMX_TILE * AMX_TILE
            products = len(SUM_TILES) * AMX_TILE * AMX_TILE * AMX_TILE
        else:
            self.what = f"{precision} on vector registers"
            self._rounds, self._loop = ROUNDS, _vector_loop(used)
            self._dwords = (SUMS + used.dwords_per_dot) * LANES
            products = SUMS * LANES * used.dwords_per_dot
        self.flops = 2 * used.layout.weights_per_dword * products * self._rounds

    def run(self, threads: int) -> None:
        """Do `flops` operations on each of some threads."""
        list(self._pool.map(self._part, range(threads)))

    def _part(self, _: int) -> None:
        # Sums of 0 stay 0: they neither overflow nor become subnormal, which would take longer.
        self._loop(self._rounds, np.zeros(self._dwords, dtype=np.float32))


class Memory:
    """Reads an array from its first byte to its last, cut evenly between threads.

    Attributes:
        size: bytes of the array.
    """

    def __init__(self, size: int, most_threads: int) -> None:
        """Make an array of `size` bytes, or slightly less, for `run` on at most so many threads."""
        self._pool = ThreadPoolExecutor(most_threads)
        self._chunks = max(size // (4 * CHUNK), 1)
        self._numbers = np.ones(self._chunks * CHUNK, dtype=np.float32)
        self.size = self._numbers.nbytes

    def run(self, threads: int, times: int = 1) -> None:
        """Read every byte so many times."""
        bounds = [self._chunks * i // threads * CHUNK for i in range(threads + 1)]
        list(self._pool.map(self._part, bounds[:-1], bounds[1:], repeat(times)))

    def _part(self, start: int, stop: int, times: int) -> None:
        out = np.empty(CHUNK, dtype=np.float32)
        for _ in range(times):
            _run_read(self._numbers, start, stop, out)
