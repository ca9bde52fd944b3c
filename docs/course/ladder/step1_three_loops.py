"""Step 1, three loops: the definition of the product, as it is written in a book."""

import numpy as np
from numba import njit


def prepare(weight):
    """Nothing: the weight `[N, K]` is read as it is."""
    return weight


@njit
def product(x, weight):
    """`x [T, K] times weight.T`, `[T, N]`: each result is one sum over K."""
    out = np.empty((x.shape[0], weight.shape[0]), dtype=np.float32)
    for t in range(x.shape[0]):
        for n in range(weight.shape[0]):
            total = np.float32(0)
            for k in range(x.shape[1]):
                total += x[t, k] * weight[n, k]
            out[t, n] = total
    return out
