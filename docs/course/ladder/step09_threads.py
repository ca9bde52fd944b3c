"""Step 9, threads: each core takes micropanels of its own, and writes columns that are its own."""

import numpy as np
from numba import njit, prange
from step08_prefetch import KC, MR, NR, add_microtile, prepare

__all__ = ["prepare", "product"]


@njit(parallel=True)
def product(x, panels):
    """As step 8; `prange` is a `range` whose rounds the threads share."""
    count, depth, _ = panels.shape
    out = np.zeros((len(x) * MR, count * NR), dtype=np.float32)
    for p in prange(count):
        for k0 in range(0, depth, KC):
            k1 = min(k0 + KC, depth)
            for r in range(len(x)):
                add_microtile(x, panels, out, r, p, k0, k1)
    return out
