"""Step 4, packing: the weight lies in memory in the order in which it is read.

It is cut into micropanels of NR columns once, when it is loaded. A micropanel is read from front to
back, and begins on a cache line, so that no vector that is read lies across two of them.
"""

import numpy as np
from numba import njit

from minner.weights.packed_model import aligned_empty

KC, NR = 16, 512


def micropanels(weight, columns):
    """A weight `[N, K]` as micropanels `[N / columns, K, columns]`; the last is filled with 0."""
    width, depth = weight.shape
    whole = np.zeros((-(-width // columns) * columns, depth), dtype=np.float32)
    whole[:width] = weight
    panels = aligned_empty(whole.size).reshape(-1, depth, columns)
    panels[:] = whole.reshape(-1, columns, depth).swapaxes(1, 2)
    return panels


def prepare(x, weight):
    """The weight as micropanels."""
    return x, micropanels(weight, NR)


@njit
def product(x, panels):
    """Micropanel by micropanel, and of K the part from k0 to k1."""
    count, depth, _ = panels.shape
    out = np.zeros((len(x), count * NR), dtype=np.float32)
    for p in range(count):
        for k0 in range(0, depth, KC):
            k1 = min(k0 + KC, depth)
            for t in range(len(x)):
                row = out[t, p * NR : (p + 1) * NR]
                for k in range(k0, k1):
                    value, part = x[t, k], panels[p, k]
                    for n in range(NR):
                        row[n] += value * part[n]
    return out
