"""Step 6, threads: each takes micropanels of its own, and writes columns that no other does."""

import numpy as np
from numba import njit, prange
from step4_packing import KC, NR, prepare
from step5_shared_rows import MR, add_microtile

__all__ = ["prepare", "product"]


def product(x, packed):
    """`x [T, K]` times what `prepare` packed, `[T, N]`."""
    panels, width = packed
    rows = len(x)
    padded = np.zeros((-(-rows // MR) * MR, x.shape[1]), dtype=np.float32)
    padded[:rows] = x
    return _product(padded, panels)[:rows, :width]


@njit(parallel=True)
def _product(x, panels):
    count, depth, _ = panels.shape
    out = np.zeros((x.shape[0], count * NR), dtype=np.float32)
    for p in prange(count):
        for k0 in range(0, depth, KC):
            k1 = min(k0 + KC, depth)
            for t in range(0, x.shape[0], MR):
                add_microtile(x, panels[p], out, t, p * NR, k0, k1)
    return out
