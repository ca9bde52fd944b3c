"""Step 2, loop order: the innermost loop goes over sums that do not wait for each other.

In step 1 every addition needs the result of the one before. Here the additions of a row of `out`
are independent, so one instruction can do several: the compiler uses vector registers.
"""

import numpy as np
from numba import njit


def prepare(weight):
    """The weight transposed, `[K, N]`, so that the innermost loop reads neighbours."""
    return np.ascontiguousarray(weight.T)


@njit
def product(x, columns):
    """`x [T, K] times columns [K, N]`."""
    out = np.zeros((x.shape[0], columns.shape[1]), dtype=np.float32)
    for t in range(x.shape[0]):
        for k in range(x.shape[1]):
            for n in range(columns.shape[1]):
                out[t, n] += x[t, k] * columns[k, n]
    return out
