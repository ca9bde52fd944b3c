"""Step 5, rows that share: numbers of the weight that were read serve four rows of x.

Step 4 reads a row of a micropanel, multiplies it by one number of x, and reads the next. Here it is
multiplied by numbers of four rows. Such a part of `out`, four rows by NR columns, is a microtile.
"""

import numpy as np
from numba import njit
from step4_packing import KC, NR, prepare

MR = 4

__all__ = ["prepare", "product"]


def product(x, packed):
    """`x [T, K]` times what `prepare` packed, `[T, N]`."""
    panels, width = packed
    rows = len(x)
    padded = np.zeros((-(-rows // MR) * MR, x.shape[1]), dtype=np.float32)
    padded[:rows] = x
    return _product(padded, panels)[:rows, :width]


@njit
def _product(x, panels):
    count, depth, _ = panels.shape
    out = np.zeros((x.shape[0], count * NR), dtype=np.float32)
    for p in range(count):
        for k0 in range(0, depth, KC):
            for t in range(0, x.shape[0], MR):
                add_microtile(x, panels[p], out, t, p * NR, k0, min(k0 + KC, depth))
    return out


@njit
def add_microtile(x, panel, out, t, column, k0, k1):
    """Add rows t to t + MR of x, from k0 to k1, times the micropanel to its columns of `out`."""
    a, b = out[t, column : column + NR], out[t + 1, column : column + NR]
    c, d = out[t + 2, column : column + NR], out[t + 3, column : column + NR]
    for k in range(k0, k1):
        part = panel[k]
        xa, xb, xc, xd = x[t, k], x[t + 1, k], x[t + 2, k], x[t + 3, k]
        for n in range(len(part)):
            weight = part[n]
            a[n] += xa * weight
            b[n] += xb * weight
            c[n] += xc * weight
            d[n] += xd * weight
