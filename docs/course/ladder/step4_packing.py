"""Step 4, packing: the weight lies in memory in the order in which it is read.

A row of a block of step 3 is followed by numbers of other blocks. Here the weight is cut into
micropanels of NR columns once, when it is loaded, and a micropanel is read from front to back.
"""

import numpy as np
from numba import njit

KC, NR = 128, 128


def prepare(weight):
    """Micropanels `[N / NR, K, NR]`, the last one filled up with zeros; and N."""
    width, depth = weight.shape
    padded = np.zeros((-(-width // NR) * NR, depth), dtype=np.float32)
    padded[:width] = weight
    return np.ascontiguousarray(padded.reshape(-1, NR, depth).swapaxes(1, 2)), width


def product(x, packed):
    """`x [T, K]` times what `prepare` packed, `[T, N]`."""
    panels, width = packed
    return _product(x, panels)[:, :width]


@njit
def _product(x, panels):
    count, depth, _ = panels.shape
    out = np.zeros((x.shape[0], count * NR), dtype=np.float32)
    for p in range(count):
        for k0 in range(0, depth, KC):
            for t in range(x.shape[0]):
                row = out[t, p * NR : (p + 1) * NR]
                for k in range(k0, min(k0 + KC, depth)):
                    value, part = x[t, k], panels[p, k]
                    for n in range(len(part)):
                        row[n] += value * part[n]
    return out
