"""Step 8, prefetch: while one part of the weight is multiplied, the next one is fetched.

The weight is too large for the caches, so each number of it comes from afar once. The processor
need not wait for that: we ask early, a little with each k. What a micropanel is followed by in
memory is the next one, so the next part always begins where this one ends.
"""

import numpy as np
from numba import njit
from step04_packing import micropanels

from minner.kernels.vector.control import loop
from minner.kernels.vector.instructions import fma
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import LANES, MR, NR
from minner.kernels.vector.values import Variable

KC = 128
PARTS = [(row, column) for row in range(MR) for column in range(0, NR, LANES)]


def prepare(x, weight):
    """Both as micropanels: MR rows of x, `[T / MR, K, MR]`, and NR columns of the weight."""
    return micropanels(x, MR), micropanels(weight, NR)


@staged
def add_microtile(x, panels, out, r, p, k0, k1):
    """Add MR rows of x times a micropanel to out, of K the part from k0 to k1."""
    places = {(row, column): out[r * MR + row, p * NR + column] for row, column in PARTS}
    sums = {part: Variable(place.load()) for part, place in places.items()}
    share = (k1 - k0) * NR // x.shape[0]  # of the next part, what this microtile fetches
    ahead = panels[p, k1] + r * share
    step = share // (k1 - k0)
    for k in loop(k0, k1):
        (ahead + (k - k0) * step).prefetch(2)
        weights = {column: panels[p, k, column].load() for column in range(0, NR, LANES)}
        for (row, column), total in sums.items():
            total.value = fma(x[r, k, row].broadcast(), weights[column], total.value)
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
