"""Step 10, bfloat16: two numbers in the place of one, and an instruction that multiplies both.

A bfloat16 is the upper half of a float32: the same range, but 8 significant bits instead of 24. Two
neighbours of K share a dword, the 32 bits of a float32. So arrays and loops are those of step 8, on
one thread; only the instruction is another one.
"""

import numpy as np
from numba import njit
from step04_packing import micropanels

from minner.kernels.vector.control import loop
from minner.kernels.vector.instructions import bits
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import LANES, MR, NR, TARGET
from minner.kernels.vector.values import BFLOAT16S, FLOATS, Variable, call

SKIPPED = "" if TARGET.bfloat16_dot else "no fast instruction here that multiplies bfloat16"
ROUNDING = "bfloat16"
KC = 128
PARTS = [(row, column) for row in range(MR) for column in range(0, NR, LANES)]


def pairs(values):
    """Values `[rows, K]`, rounded to bfloat16, as dwords `[rows, K / 2]`."""
    even = np.pad(values, ((0, 0), (0, values.shape[1] % 2))).view(np.uint32)
    nearest = even + 0x7FFF + (even >> 16 & 1)  # where two are equally near, the even one
    return (nearest >> 16).astype(np.uint16).view(np.float32)


def prepare(x, weight):
    """Both as micropanels of dwords."""
    return micropanels(pairs(x), MR), micropanels(pairs(weight), NR)


@staged
def add_microtile(x, panels, out, r, p, k0, k1):
    """Add MR rows of x times a micropanel to out, of K the dwords from k0 to k1."""
    places = {(row, column): out[r * MR + row, p * NR + column] for row, column in PARTS}
    sums = {part: Variable(place.load()) for part, place in places.items()}
    share = (k1 - k0) * NR // x.shape[0]
    ahead = panels[p, k1] + r * share
    step = share // (k1 - k0)
    for k in loop(k0, k1):
        (ahead + (k - k0) * step).prefetch(2)
        weights = {column: panels[p, k, column].load() for column in range(0, NR, LANES)}
        for (row, column), total in sums.items():
            two = bits(x[r, k, row].broadcast(), BFLOAT16S), bits(weights[column], BFLOAT16S)
            total.value = call(TARGET.bfloat16_dot, FLOATS, total.value, *two)
    for part, place in places.items():
        place.store(sums[part].value)


@njit
def product(x, panels):
    """Micropanel by micropanel, and of K the part from k0 to k1."""
    count, depth, _ = panels.shape
    out = np.zeros((len(x) * MR, count * NR), dtype=np.float32)
    for p in range(count):
        for k0 in range(0, depth, KC):
            k1 = min(k0 + KC, depth)
            for r in range(len(x)):
                add_microtile(x, panels, out, r, p, k0, k1)
    return out
