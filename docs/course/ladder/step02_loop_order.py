"""Step 2, loop order: the innermost loop goes over sums that do not wait for each other.

In step 1 every addition needs the result of the one before. Here the additions of a row of `out`
are independent, so one instruction can do several: the compiler uses vector registers.
"""

import numpy as np
from numba import njit


def prepare(x, weight):
    """The weight turned over, `[K, N]`, so that the innermost loop reads neighbours."""
    return x, np.ascontiguousarray(weight.T)


@njit
def product(x, columns):
    """Every row of `out [T, N]` is a sum of rows of `columns [K, N]`."""
    depth, width = columns.shape
    out = np.zeros((len(x), width), dtype=np.float32)
    for t in range(len(x)):
        for k in range(depth):
            for n in range(width):
                out[t, n] += x[t, k] * columns[k, n]
    return out
