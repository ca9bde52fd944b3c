"""The machine's own limits, measured: multiply-adds of one core, and bytes read from memory.

Both loops are written with the staged layer of minner's kernels, so they run on the very
registers and instructions that the kernels use.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np
from numba import njit
from numpy.typing import NDArray

from minner.kernels.staged import Array, Value, Variable, fma, loop, staged, vector
from minner.kernels.target import LANES

Floats = NDArray[np.float32]

SUMS = 12
"""Independent sums: two multiply-add units of four cycles' latency need eight at least, and a
processor of 16 registers has no room for more."""

STEPS = 4_000_000
"""Rounds of SUMS multiply-adds in one call: about ten milliseconds."""

FLOPS = 2 * SUMS * LANES * STEPS
"""Floating-point operations of one call."""

VECTORS = 8
"""Vectors read in one step, each into its own sum."""

CHUNK = VECTORS * LANES
"""Numbers read in one step."""


@staged
def _multiply_add(steps: Value, out: Array) -> None:
    sums = [Variable(vector(float(i))) for i in range(SUMS)]
    factor, added = out[0].load(), out[LANES].load()
    for _ in loop(steps):
        for total in sums:
            total.value = fma(total.value, factor, added)
    for i, total in enumerate(sums):
        out[i * LANES].store(total.value)


@staged
def _read(numbers: Array, start: Value, stop: Value, out: Array) -> None:
    sums = [Variable(vector(0.0)) for _ in range(VECTORS)]
    for at in loop(start, stop, CHUNK):
        for i, total in enumerate(sums):
            total.value = total.value + numbers[at + i * LANES].load()
    for i, total in enumerate(sums):
        out[i * LANES].store(total.value)


@njit(nogil=True)
def _run_multiply_add(steps: int, out: Floats) -> None:
    _multiply_add(steps, out)


@njit(nogil=True)
def _run_read(numbers: Floats, start: int, stop: int, out: Floats) -> None:
    _read(numbers, start, stop, out)


class Arithmetic:
    """Multiply-adds in registers: the peak that no kernel can pass."""

    def __init__(self, most_threads: int) -> None:
        """Plan for `run` on at most so many threads."""
        self._pool = ThreadPoolExecutor(most_threads)

    def run(self, threads: int) -> None:
        """Do FLOPS operations on each of some threads."""
        list(self._pool.map(self._part, range(threads)))

    def _part(self, _: int) -> None:
        _run_multiply_add(STEPS, np.full(SUMS * LANES, 0.5, dtype=np.float32))


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
