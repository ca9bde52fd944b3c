"""Step 1, three loops: the definition of the product, as it is written in a book."""

import numpy as np
from numba import njit


def prepare(x, weight):
    """Nothing: x `[T, K]` and the weight `[N, K]` are read as they are."""
    return x, weight


@njit
def product(x, weight):
    """Each number of `out [T, N]` is one sum over K."""
    out = np.empty((len(x), len(weight)), dtype=np.float32)
    for t in range(len(x)):
        for n in range(len(weight)):
            total = np.float32(0)
            for k in range(x.shape[1]):
                total += x[t, k] * weight[n, k]
            out[t, n] = total
    return out
