"""Every kernel by itself: compiled on its own, its operands made from NumPy arrays.

Whatever a kernel must not read, or must not depend on, is NaN here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

import reference_kernels
from kernel_images import Kernel, lone_kernel
from minner.kernels.activations import Formula, formula_of
from minner.kernels.amx import configure_tiles, release_tiles
from minner.kernels.attention import attention_kernel
from minner.kernels.embeddings import embed_kernel
from minner.kernels.gather_rows import gather_rows_kernel
from minner.kernels.layer_norm import layer_norm_kernel
from minner.kernels.precision import PRECISIONS, Precision, attention_precision
from minner.kernels.product import linear_kernel
from minner.kernels.quantise import quantise_kernel
from minner.kernels.runtime.buffers import (
    ProductInput,
    ThreadScratch,
    cut_thread_scratch,
    cut_x,
)
from minner.kernels.runtime.layout import ENDLESS, Linear, Norm, cut_linear, dwords, padded
from minner.kernels.runtime.operand_layout import OperandLayout
from minner.kernels.runtime.team_state import Member, team_state
from minner.kernels.vector.target import MC, NR, PADDING
from minner.weights.pack import fill_linear

Array = NDArray[Any]


def alone() -> Member:
    """The one thread of a team of one, as it is before a kernel."""
    return Member(team_state(1), 0)


def normal(seed: int, *shape: int) -> NDArray[np.float32]:
    """Seeded random numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def nans(*shape: int) -> NDArray[np.float32]:
    """Memory full of what must not matter."""
    return np.full(shape, np.nan, dtype=np.float32)


# ---- kernels, compiled --------------------------------------------------------------------------
# Matrix registers are configured by each thread that uses them, as in `forward.py`.


def gelu_of(precision: Precision) -> Formula:
    """The GELU that the forward pass takes."""
    return formula_of("gelu", rounded=precision.layout.x_per_dword > 1)


@lone_kernel
def linear_layer(name: str) -> Kernel:
    """A product and its bias, as queries, keys and values are stored."""
    precision = PRECISIONS[name]
    kernel = linear_kernel(precision, output=attention_precision(precision).in_heads, outputs=3)

    @njit
    def run(team, x, layer, accumulator, out):  # type: ignore[no-untyped-def]
        configure_tiles()
        kernel(team, x, layer, accumulator, out)
        release_tiles()

    return run


@lone_kernel
def linear_gelu(name: str) -> Kernel:
    """A product, its bias and GELU, as the next product or its quantisation reads it."""
    precision = PRECISIONS[name]
    kernel = linear_kernel(precision, gelu_of(precision), output=precision.product_input)

    @njit
    def run(team, x, layer, accumulator, out):  # type: ignore[no-untyped-def]
        configure_tiles()
        kernel(team, x, layer, accumulator, out)
        release_tiles()

    return run


@lone_kernel
def linear_residual(name: str) -> Kernel:
    """A product and its bias, added to something; float32."""
    kernel = linear_kernel(PRECISIONS[name], residual=True)

    @njit
    def run(team, x, layer, residual, accumulator, out):  # type: ignore[no-untyped-def]
        configure_tiles()
        kernel(team, x, layer, residual, accumulator, out)
        release_tiles()

    return run


@lone_kernel
def layer_norm(name: str) -> Kernel:
    """A layer norm."""
    kernel = layer_norm_kernel(PRECISIONS[name])

    @njit
    def run(team, hidden, norm, width, x):  # type: ignore[no-untyped-def]
        kernel(team, hidden, norm, width, x)

    return run


@lone_kernel
def embed(name: str) -> Kernel:
    """The embeddings and their norm."""
    kernel = embed_kernel(PRECISIONS[name])

    @njit
    def run(team, ids, places, words, positions, norm, width, hidden, x):  # type: ignore[no-untyped-def]
        kernel(team, ids, places, words, positions, norm, width, hidden, x)

    return run


@lone_kernel
def quantise(name: str) -> Kernel:
    """From what a kernel gives to what a product reads."""
    kernel = quantise_kernel(PRECISIONS[name])

    @njit
    def run(team, unquantised, x):  # type: ignore[no-untyped-def]
        kernel(team, unquantised, x)

    return run


@lone_kernel
def gather_rows(name: str) -> Kernel:
    """Rows left out after the last attention."""
    kernel = gather_rows_kernel(PRECISIONS[name])

    @njit
    def run(team, rows, hidden, context):  # type: ignore[no-untyped-def]
        kernel(team, rows, hidden, context)

    return run


@lone_kernel
def attention(name: str) -> Kernel:
    """Attention; its last arguments are a `thread_scratch`, and the context."""
    kernel = attention_kernel(PRECISIONS[name])

    @njit
    def run(team, qkv, bounds, heads, width, scratch, context):  # type: ignore[no-untyped-def]
        configure_tiles()
        kernel(team, qkv, bounds, heads, width, scratch, context)
        release_tiles()

    return run


# ---- operands -----------------------------------------------------------------------------------


def padded_rows(values: Array) -> NDArray[np.float32]:
    """Values `[T, N]` with columns of zeros up to a multiple of PADDING."""
    out = np.zeros((len(values), padded(values.shape[1])), dtype=np.float32)
    out[:, : values.shape[1]] = values
    return out


def norm_of(weight: Array, bias: Array, epsilon: float = 1e-12) -> Norm:
    """A layer norm of `[D]`, padded."""
    everywhere = np.full(PADDING, epsilon, dtype=np.float32)
    return Norm(*padded_rows(np.stack([weight, bias])), everywhere)


def empty_x(layout: OperandLayout, rows: int, width: int) -> ProductInput:
    """An x `[rows, dwords of width]`, and scales; NaN to the end of the last block of rows."""
    _, count = cut_x(ENDLESS, 0, rows, width, layout)
    x, _ = cut_x(nans(count), 0, rows, width, layout)
    scale, zero = nans(2, padded(rows) if layout.quantised else 0)
    return ProductInput(x, scale, zero)


def x_of(precision: Precision, values: Array) -> ProductInput:
    """Values `[T, K]` as a product reads them."""
    x = empty_x(precision.layout, *values.shape)
    reference_kernels.write_product_input(precision, padded_rows(values), x)
    return x


def layer_of(layout: OperandLayout, weight: Array, bias: Array) -> Linear:
    """A weight `[N, K]` and bias `[N]`, packed as a checkpoint's are."""
    n, k = padded(len(weight)), weight.shape[1]
    _, count = cut_linear(ENDLESS, 0, 1, n, k, layout)
    linear, _ = cut_linear(np.zeros(count, np.float32), 0, 1, n, k, layout)
    fill_linear(linear, 0, weight, bias, layout)
    return Linear(*(part[0] for part in linear))


def int8_weights(layout: OperandLayout, rows: int, columns: int) -> NDArray[np.int64]:
    """Whole numbers `[N, K]` that int8 weights keep, whose products have the largest sums.

    Column 0 is 127, as each row must reach that. Else the first row is as large as can be, the
    second as small, and the others are random.
    """
    random = np.random.default_rng(0)
    if not layout.sums_int16:
        weights = random.integers(-127, 128, (rows, columns))
        weights[0], weights[1] = 127, -127
        weights[:, 0] = 127
        return weights
    full = np.array(
        [[127, 1, -127, -1], [64, 64, -64, -64], [43, 42, 43, -127], [32] * 4, [-32] * 4]
    )
    groups = full[random.integers(0, len(full), (rows, -(-columns // 8), 2))]
    groups[0], groups[1] = 32, -32
    groups = random.permuted(groups, axis=3)
    groups[:, 0, 0] = 127, 1, 0, 0
    # [N, K / 8, pair, (dword, value)]: both pairs of two dwords make a group each.
    weights = groups.reshape(rows, -1, 2, 2, 2).swapaxes(2, 3).reshape(rows, -1)
    return weights[:, :columns]


def accumulator() -> NDArray[np.float32]:
    """Scratch of a product."""
    return nans(MC, NR)


def empty_row_major(precision: Precision, rows: int, width: int) -> NDArray[np.float32]:
    """Where a kernel writes `Precision.row_major`."""
    return nans(rows, dwords(width, precision.layout.x_per_dword))


def empty_qkv(precision: Precision, heads: int, rows: int, width: int) -> NDArray[np.float32]:
    """Where a kernel writes `Precision.in_heads`: queries, keys and values."""
    return nans(3 * heads, rows, dwords(width, precision.layout.x_per_dword))


def empty_product_input(precision: Precision, rows: int, width: int) -> NDArray[np.float32]:
    """Where a kernel writes `Precision.product_input`."""
    if precision.layout.quantised:
        return empty_row_major(precision.unquantised, rows, width)
    return empty_x(precision.layout, rows, width).rows  # type: ignore[no-any-return]


def read_product_input(precision: Precision, out: Array) -> NDArray[np.float64]:
    """The values of what it has written."""
    if precision.layout.quantised:
        return reference_kernels.unpack(precision.unquantised, out)
    return reference_kernels.read_x(precision, out)


def thread_scratch(longest: int, width: int) -> ThreadScratch:
    """Scratch of one thread, of NaN."""
    _, count = cut_thread_scratch(ENDLESS, 0, longest, width)
    return cut_thread_scratch(nans(count), 0, longest, width)[0]
