"""The micro-kernel: a microtile of MR x NR sums stays in vector registers while K goes by.

For each dword of K, two loads of weights and MR broadcasts of x feed 2 MR multiply-adds. The last
rows of x have microtiles of 1 to MR - 1 rows. `product.py` shows where the micro-kernel stands
among the other loops.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir

from minner.kernels.precision import Precision
from minner.kernels.vector.control import loop, when
from minner.kernels.vector.target import CACHE_LINE, LANES, NR
from minner.kernels.vector.values import Pointer, Value, Variable


class Block(NamedTuple):
    """The product of some rows of x and one k-block of a micropanel."""

    x: Pointer  # the first row, at the k-block's beginning
    x_dwords: Value  # dwords of a whole row of x
    weights: Pointer  # [kc, NR] dwords
    kc: Value  # dwords of the k-block, a multiple of CACHE_LINE
    sums: Pointer  # where the results go: memory for ROW_BLOCK rows
    sums_stride: Value  # dwords from one row of sums to the next
    rows: Value  # at most ROW_BLOCK
    overwrite: Value  # 1 to write the sums, 0 to add to what is there


class Prefetch(NamedTuple):
    """Which weights to fetch into the L2 cache while a block is multiplied."""

    weights: Pointer  # the first of them
    dwords: Value  # of the next k-block, to fetch per dword of K in each microtile of MR rows
    rest: Value  # the same in the last microtile, if it has fewer rows


LONE_LINES = 2 * NR // CACHE_LINE
"""Cache lines for two dwords of K, where one microtile prefetches the whole next k-block."""


def multiply_in_registers(precision: Precision, block: Block, prefetch: Prefetch) -> None:
    """Multiply a block, one microtile after the other."""
    mr = precision.layout.mr
    full = block.rows - block.rows % mr
    needed = (prefetch.dwords * 2 + (CACHE_LINE - 1)) // CACHE_LINE
    for fewer, lines in ((-1, 1), (1, 2), (2, 4)):
        if lines <= LONE_LINES:
            with when(needed > fewer), when(needed < lines + 1):
                for row in loop(0, full, mr):
                    _multiply_microtile(precision, block, prefetch, row, mr, lines)
    for rest in range(1, mr):  # the last microtile, and often the only one
        with when((block.rows - full).equals(rest)):
            _multiply_microtile(precision, block, prefetch, full, rest, LONE_LINES)


def _multiply_microtile(
    precision: Precision, block: Block, prefetch: Prefetch, row: Value, count: int, lines: int
) -> None:
    """Multiply the rows `row` to `row + count` of a block, and write or add the sums."""
    mr = precision.layout.mr
    x = block.x + row * block.x_dwords
    ahead = Prefetch(
        prefetch.weights + row // mr * prefetch.dwords * block.kc,
        prefetch.dwords if count == mr else prefetch.rest,
        prefetch.rest,
    )
    here, next_x = block._replace(x=x), x + block.x_dwords * mr
    results = _microkernel(precision, here, next_x, ahead, count, lines)
    places = [
        (block.sums + (row + i) * block.sums_stride + column, total) for i, column, total in results
    ]
    with when(block.overwrite.equals(1)):
        for place, total in places:
            place.store(total)
    with when(block.overwrite.equals(0)):
        for place, total in places:
            place.store(place.load(precision.sums) + total)


def _microkernel(
    precision: Precision, block: Block, next_x: Pointer, prefetch: Prefetch, count: int, lines: int
) -> list[tuple[int, int, Value]]:
    """Multiply the first rows of a block; `count`, how many, is fixed while compiling.

    Meanwhile prefetch x of the next microtile, and weights of the next k-block: `lines` cache lines
    for every two dwords of K. Prefetches use load slots, so none are wasted.

    Returns:
        (row, column, vector) for every vector of sums, still in registers.
    """
    columns = range(0, NR, LANES)
    zero = Value(ir.Constant(precision.sums, [0] * LANES))
    sums = {(row, column): Variable(zero) for row in range(count) for column in columns}
    x_per_weight, step = precision.x_per_weight, precision.dwords_per_dot
    height = x_per_weight * precision.layout.mr  # dwords of x, in MR rows, for one of weights
    for line in loop(0, block.kc, CACHE_LINE // x_per_weight):
        for pair in loop(0, CACHE_LINE // x_per_weight, 2):
            for i in range(lines):
                (prefetch.weights + (line + pair) * prefetch.dwords + i * CACHE_LINE).prefetch(2)
            for i in range(0, 2 * height, CACHE_LINE):
                (next_x + (line + pair) * height + i).prefetch(1)
            for k in (pair + i for i in range(0, 2, step)):
                weights_at = block.weights + (line + k) * NR
                weights = {
                    column: [(weights_at + i * NR + column).load() for i in range(step)]
                    for column in columns
                }
                for row in range(count):
                    x_at = block.x + line * height + k * x_per_weight + row * CACHE_LINE
                    values = [(x_at + i).broadcast() for i in range(step * x_per_weight)]
                    for column in columns:
                        total = sums[row, column]
                        total.value = precision.dot(total.value, values, weights[column])
    return [(row, column, total.value) for (row, column), total in sums.items()]
