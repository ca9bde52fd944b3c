"""Step 7, the kernel that serves, on one thread: `kernels/product.py`.

It is packed and blocked as in the steps before. What is new: the sums of a microtile stay in vector
registers over a whole block of K, x is packed, too, and numbers that are needed soon are fetched
early. Numba cannot be told that; so its instructions are written one by one, in Python that runs
while the kernel is compiled: `kernels/vector/staged.py`.
"""

import numpy as np
from numba import njit

from minner.kernels.product import linear_kernel
from minner.kernels.runtime.buffers import ProductInput
from minner.kernels.runtime.layout import ENDLESS, Linear, cut_linear, padded
from minner.kernels.runtime.operand_layout import FLOAT32_LAYOUT
from minner.kernels.runtime.team_state import Member, team_state
from minner.kernels.vector.target import CACHE_LINE, MC, NR
from minner.weights.pack import fill_linear

_linear = linear_kernel()


@njit
def _kernel(team, x, layer, accumulator, out):
    _linear(team, x, layer, accumulator, out)


def prepare(weight):
    """The weight as a checkpoint's are packed, with a bias of zeros; and N."""
    width, depth = weight.shape
    sizes = (0, 1, padded(width), depth, FLOAT32_LAYOUT)
    _, count = cut_linear(ENDLESS, *sizes)
    layers, _ = cut_linear(np.zeros(count, np.float32), *sizes)
    fill_linear(layers, 0, weight, np.zeros(width, np.float32), FLOAT32_LAYOUT)
    return Linear(*(part[0] for part in layers)), width


def product(x, packed):
    """`x [T, K]` times what `prepare` packed, `[T, N]`."""
    layer, width = packed
    out = np.empty((len(x), padded(width)), dtype=np.float32)
    accumulator = np.empty((MC, NR), dtype=np.float32)
    _kernel(Member(team_state(1), 0), _blocked(x), layer, accumulator, out)
    return out[:, :width]


def _blocked(x):
    """A cache line of each row of a block beside the same line of the next row."""
    rows, mr = len(x), FLOAT32_LAYOUT.mr
    blocks, lines = -(-rows // mr), padded(x.shape[1]) // CACHE_LINE
    values = np.zeros((blocks * mr, lines * CACHE_LINE), dtype=np.float32)
    values[:rows, : x.shape[1]] = x
    memory = np.ascontiguousarray(values.reshape(blocks, mr, lines, CACHE_LINE).swapaxes(1, 2))
    return ProductInput(memory.reshape(-1, lines * CACHE_LINE)[:rows], np.zeros(0, np.float32))
