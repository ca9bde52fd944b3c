"""Step 13, the kernel that serves, on one thread: `kernels/product.py`.

It does what the steps before do, in float32. What it has besides: x need not be whole blocks of MR
rows, sums are added up in a small buffer, and what follows a product, such as its bias, is done
before the results leave the cache.
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
from minner.weights.packed_model import aligned_empty

_linear = linear_kernel()


def prepare(x, weight):
    """What minner packs: x, the weight and a bias of zeros; and memory that the kernel needs."""
    width, depth = weight.shape
    sizes = (0, 1, padded(width), depth, FLOAT32_LAYOUT)
    _, count = cut_linear(ENDLESS, *sizes)
    layers, _ = cut_linear(aligned_empty(count), *sizes)
    fill_linear(layers, 0, weight, np.zeros(width, np.float32), FLOAT32_LAYOUT)
    layer = Linear(*(part[0] for part in layers))
    return Member(team_state(1), 0), _blocked(x), layer, np.empty((MC, NR), np.float32)


def _blocked(x):
    """A cache line of each of MR rows beside the same line of the next row."""
    rows, mr = len(x), FLOAT32_LAYOUT.mr
    blocks, lines = -(-rows // mr), padded(x.shape[1]) // CACHE_LINE
    values = np.zeros((blocks * mr, lines * CACHE_LINE), dtype=np.float32)
    values[:rows, : x.shape[1]] = x
    memory = np.ascontiguousarray(values.reshape(blocks, mr, lines, CACHE_LINE).swapaxes(1, 2))
    nothing = np.zeros(0, np.float32)  # the scales and zeros of int8
    return ProductInput(
        memory.reshape(-1, lines * CACHE_LINE)[:rows], nothing, nothing.view(np.int32)
    )


@njit
def product(team, x, layer, accumulator):
    """The whole product, by the kernel of a linear layer."""
    out = np.empty((len(x.rows), layer.bias.size), dtype=np.float32)
    _linear(team, x, layer, accumulator, out)
    return out
