"""Step 3, blocks for the cache: a part of the weight is used for all rows while it is near.

Step 2 reads the whole weight again for each row of x. Here a block of KC x NC numbers, 64 kB, stays
in a cache near the core while all rows pass it.
"""

import numpy as np
from numba import njit

KC, NC = 128, 128


def prepare(weight):
    """The weight transposed, `[K, N]`."""
    return np.ascontiguousarray(weight.T)


@njit
def product(x, columns):
    """`x [T, K] times columns [K, N]`."""
    depth, width = columns.shape
    out = np.zeros((x.shape[0], width), dtype=np.float32)
    for n0 in range(0, width, NC):
        n1 = min(n0 + NC, width)
        for k0 in range(0, depth, KC):
            for t in range(x.shape[0]):
                row = out[t, n0:n1]
                for k in range(k0, min(k0 + KC, depth)):
                    value, part = x[t, k], columns[k, n0:n1]
                    for n in range(len(part)):
                        row[n] += value * part[n]
    return out
