"""Step 6, vector lanes: the sums of a microtile stay in vector registers, and we say so.

Until here we hoped that the compiler would use vector registers. Now each instruction is written by
hand, in the staged language: Python that runs while the product is compiled. `loop` makes a loop of
the product; a Python `for` writes its body several times. MR rows share each weight.
"""

import numpy as np
from numba import njit
from step04_packing import micropanels

from minner.kernels.vector.control import loop
from minner.kernels.vector.instructions import fma
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import LANES
from minner.kernels.vector.values import Variable

KC, MR, NR = 128, 4, LANES


def prepare(x, weight):
    """Both as micropanels: MR rows of x, `[T / MR, K, MR]`, and NR columns of the weight."""
    return micropanels(x, MR), micropanels(weight, NR)


@staged
def add_microtile(x, panels, out, r, p, k0, k1):
    """Add MR rows of x times a micropanel to out, of K the part from k0 to k1."""
    places = [out[r * MR + row, p * NR] for row in range(MR)]
    sums = [Variable(place.load()) for place in places]
    for k in loop(k0, k1):
        weights = panels[p, k].load()
        for row, total in enumerate(sums):
            total.value = fma(x[r, k, row].broadcast(), weights, total.value)
    for place, total in zip(places, sums, strict=True):
        place.store(total.value)


@njit
def product(x, panels):
    """Micropanel by micropanel, and of K the part from k0 to k1."""
    count, depth, _ = panels.shape
    out = np.zeros((len(x) * MR, count * NR), dtype=np.float32)
    for p in range(count):
        for k0 in range(0, depth, KC):
            k1 = min(k0 + KC, depth)
            for r in range(len(x)):
                add_microtile(x, panels, out, r, p, k0, k1)
    return out
