"""Step 11, int8: four whole numbers in a dword, and one instruction that multiplies all four.

A row becomes whole numbers from -127 to 127, times a scale of its own. The sums are whole numbers,
too, and exact. Only at the end they are multiplied by the scales.

The instruction of x86 takes unsigned numbers on one side. So x gets 128 added, and 128 times the
sum of the weights is taken off again.
"""

import numpy as np
from numba import njit
from step04_packing import micropanels

from minner.kernels.vector.control import loop
from minner.kernels.vector.instructions import bits
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import LANES, MR, NR, TARGET
from minner.kernels.vector.values import INT8S, INTS, Variable, call

SKIPPED = "" if TARGET.int8_dot else "no instruction here that multiplies int8 and adds up in int32"
ROUNDING = "int8"
KC = 128
OFFSET = 128 if "vpdpbusd" in TARGET.int8_dot else 0
PARTS = [(row, column) for row in range(MR) for column in range(0, NR, LANES)]


def quantised(values):
    """Rows `[rows, K]` as int8, K filled up to a multiple of 4, and the scale of each row."""
    scale = np.abs(values).max(axis=1) / np.float32(127)
    whole = np.rint(values / np.where(scale > 0, scale, 1)[:, None]).astype(np.int8)
    return np.pad(whole, ((0, 0), (0, -values.shape[1] % 4))), scale


def prepare(x, weight):
    """Both as micropanels of dwords; the scales; what is to be taken off each column."""
    (x, x_scale), (weight, scale) = quantised(x), quantised(weight)
    unsigned = (x.astype(np.int16) + OFFSET).astype(np.uint8)
    missing = -len(x) % MR, -len(weight) % NR
    return (
        micropanels(unsigned.view(np.float32), MR),
        micropanels(weight.view(np.float32), NR),
        np.pad(x_scale, (0, missing[0])),
        np.pad(scale, (0, missing[1])),
        np.pad(OFFSET * weight.sum(axis=1, dtype=np.int32), (0, missing[1])),
    )


@staged
def add_microtile(x, panels, sums, r, p, k0, k1):
    """Add MR rows of x times a micropanel to sums, of K the dwords from k0 to k1."""
    places = {(row, column): sums[r * MR + row, column] for row, column in PARTS}
    totals = {part: Variable(place.load(INTS)) for part, place in places.items()}
    share = (k1 - k0) * NR // x.shape[0]
    ahead = panels[p, k1] + r * share
    step = share // (k1 - k0)
    for k in loop(k0, k1):
        (ahead + (k - k0) * step).prefetch(2)
        weights = {column: panels[p, k, column].load() for column in range(0, NR, LANES)}
        for (row, column), total in totals.items():
            four = bits(x[r, k, row].broadcast(), INT8S), bits(weights[column], INT8S)
            total.value = call(TARGET.int8_dot, INTS, total.value, *four)
    for part, place in places.items():
        place.store(totals[part].value)


@njit
def product(x, panels, x_scale, scale, taken_off):
    """Micropanel by micropanel: whole sums first, then the results."""
    count, depth, _ = panels.shape
    out = np.empty((len(x) * MR, count * NR), dtype=np.float32)
    sums = np.empty((len(x) * MR, NR), dtype=np.int32)
    for p in range(count):
        sums[:] = 0
        for k0 in range(0, depth, KC):
            k1 = min(k0 + KC, depth)
            for r in range(len(x)):
                add_microtile(x, panels, sums, r, p, k0, k1)
        for t in range(len(out)):
            for n in range(NR):
                exact = np.float32(sums[t, n] - taken_off[p * NR + n])
                out[t, p * NR + n] = exact * (x_scale[t] * scale[p * NR + n])
    return out
