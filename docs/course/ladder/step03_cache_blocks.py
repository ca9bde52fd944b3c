"""Step 3, blocks for the cache: a part of the weight is used for all rows while it is near.

Step 2 reads the whole weight again for each row of x. Here KC rows of the turned weight stay in a
cache near the core while all rows of x pass them.
"""

import numpy as np
from numba import njit

KC = 32


def prepare(x, weight):
    """The weight turned over, `[K, N]`."""
    return x, np.ascontiguousarray(weight.T)


@njit
def product(x, columns):
    """Of K first the part from 0 to KC, for every row of `out [T, N]`; then the next part."""
    depth, width = columns.shape
    out = np.zeros((len(x), width), dtype=np.float32)
    for k0 in range(0, depth, KC):
        k1 = min(k0 + KC, depth)
        for t in range(len(x)):
            for k in range(k0, k1):
                for n in range(width):
                    out[t, n] += x[t, k] * columns[k, n]
    return out
