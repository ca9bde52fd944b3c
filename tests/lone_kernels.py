"""Every kernel by itself: compiled on its own, its operands made from plain numbers.

Whatever a kernel must not read, or must not depend on, is NaN here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

import reference_kernels
from minner.kernels.activations import ACTIVATIONS, ROUNDED_ACTIVATIONS, Activation
from minner.kernels.amx import configure_tiles, release_tiles
from minner.kernels.attention import attention_kernel
from minner.kernels.gather_rows import keep_rows_kernel
from minner.kernels.layer_norm import embed_kernel, layer_norm_kernel
from minner.kernels.precision import PRECISIONS, Precision, attention_precision
from minner.kernels.product import linear_kernel
from minner.kernels.quantise import quantise_kernel
from minner.kernels.runtime import layout
from minner.kernels.runtime.layout import Linear, Member, Norm, Operand, padded, team_state, words
from minner.kernels.runtime.operand_layout import Form
from minner.kernels.vector.target import BLOCK, GROUP_ROWS, PADDING
from minner.weights.pack import fill_linear

Array = NDArray[Any]
Kernel = Callable[..., None]


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


def gelu_of(precision: Precision) -> Activation:
    """The GELU that the forward pass takes."""
    return (ACTIVATIONS if precision.form.x_step == 1 else ROUNDED_ACTIVATIONS)["gelu"]


@cache
def linear_layer(name: str) -> Kernel:
    """A product and its bias, as queries, keys and values are stored."""
    precision = PRECISIONS[name]
    kernel = linear_kernel(precision, given=attention_precision(precision).in_heads, parts=3)

    @njit
    def run(team, x, layer, accumulator, out):  # type: ignore[no-untyped-def]
        configure_tiles()
        kernel(team, x, layer, accumulator, out)
        release_tiles()

    return run


@cache
def linear_gelu(name: str) -> Kernel:
    """A product, its bias and GELU, as the next product or its quantisation reads it."""
    precision = PRECISIONS[name]
    kernel = linear_kernel(precision, gelu_of(precision), given=precision.product_rows)

    @njit
    def run(team, x, layer, accumulator, out):  # type: ignore[no-untyped-def]
        configure_tiles()
        kernel(team, x, layer, accumulator, out)
        release_tiles()

    return run


@cache
def linear_residual(name: str) -> Kernel:
    """A product and its bias, added to something; float32."""
    kernel = linear_kernel(PRECISIONS[name], residual=True)

    @njit
    def run(team, x, layer, residual, accumulator, out):  # type: ignore[no-untyped-def]
        configure_tiles()
        kernel(team, x, layer, residual, accumulator, out)
        release_tiles()

    return run


@cache
def layer_norm(name: str) -> Kernel:
    """A layer norm."""
    kernel = layer_norm_kernel(PRECISIONS[name])

    @njit
    def run(team, hidden, norm, width, x):  # type: ignore[no-untyped-def]
        kernel(team, hidden, norm, width, x)

    return run


@cache
def embed(name: str) -> Kernel:
    """The embeddings and their norm."""
    kernel = embed_kernel(PRECISIONS[name])

    @njit
    def run(team, ids, positions, words, places, norm, width, hidden, x):  # type: ignore[no-untyped-def]
        kernel(team, ids, positions, words, places, norm, width, hidden, x)

    return run


@cache
def quantise(name: str) -> Kernel:
    """From what a kernel gives to what a product reads."""
    kernel = quantise_kernel(PRECISIONS[name])

    @njit
    def run(team, given, x):  # type: ignore[no-untyped-def]
        kernel(team, given, x)

    return run


@cache
def keep_rows(name: str) -> Kernel:
    """Rows left out after the last attention."""
    kernel = keep_rows_kernel(PRECISIONS[name])

    @njit
    def run(team, rows, hidden, context):  # type: ignore[no-untyped-def]
        kernel(team, rows, hidden, context)

    return run


@cache
def attention(name: str) -> Kernel:
    """Attention; its last arguments are a `workspace`, and the context."""
    kernel = attention_kernel(PRECISIONS[name])

    @njit
    def run(team, qkv, bounds, heads, width, own, context):  # type: ignore[no-untyped-def]
        configure_tiles()
        kernel(team, qkv, bounds, heads, width, own, context)
        release_tiles()

    return run


# ---- operands -----------------------------------------------------------------------------------


def padded_rows(values: Array) -> NDArray[np.float32]:
    """Values `[T, N]` with columns of zeros up to whole panels."""
    out = np.zeros((len(values), padded(values.shape[1])), dtype=np.float32)
    out[:, : values.shape[1]] = values
    return out


def norm_of(weight: Array, bias: Array, epsilon: float = 1e-12) -> Norm:
    """A layer norm of `[D]`, padded."""
    everywhere = np.full(PADDING, epsilon, dtype=np.float32)
    return Norm(*padded_rows(np.stack([weight, bias])), everywhere)


def empty_x(form: Form, rows: int, width: int) -> Operand:
    """An x `[rows, words of width]`, and scales, of NaN up to the end of the last block of rows."""
    _, count = layout.cut_x(layout._ENDLESS, 0, rows, width, form)
    x, _ = layout.cut_x(nans(count), 0, rows, width, form)
    return Operand(x, nans(padded(rows) if form.quantised else 0))


def x_of(precision: Precision, values: Array) -> Operand:
    """Values `[T, K]` as a product reads them."""
    x = empty_x(precision.form, *values.shape)
    reference_kernels.write_operand(precision, padded_rows(values), x)
    return x


def layer_of(form: Form, weight: Array, bias: Array) -> Linear:
    """A weight `[N, K]` and bias `[N]`, packed as a checkpoint's are."""
    n, k = padded(len(weight)), weight.shape[1]
    _, count = layout.cut_linear(layout._ENDLESS, 0, 1, n, k, form)
    linear, _ = layout.cut_linear(np.zeros(count, np.float32), 0, 1, n, k, form)
    fill_linear(linear, 0, weight, bias, form)
    return Linear(*(part[0] for part in linear))


def accumulator() -> NDArray[np.float32]:
    """Scratch of a product."""
    return nans(GROUP_ROWS, BLOCK)


def empty_plain(precision: Precision, rows: int, width: int) -> NDArray[np.float32]:
    """Where a kernel writes `Precision.plain`."""
    return nans(rows, words(width, precision.form.x_step))


def empty_qkv(precision: Precision, heads: int, rows: int, width: int) -> NDArray[np.float32]:
    """Where a kernel writes `Precision.in_heads`: queries, keys and values."""
    return nans(3 * heads, rows, words(width, precision.form.x_step))


def empty_product_rows(precision: Precision, rows: int, width: int) -> NDArray[np.float32]:
    """Where a kernel writes `Precision.product_rows`."""
    if precision.form.quantised:
        return empty_plain(precision.given, rows, width)
    return empty_x(precision.form, rows, width).rows  # type: ignore[no-any-return]


def read_product_rows(precision: Precision, out: Array) -> NDArray[np.float64]:
    """The values of what it has written."""
    if precision.form.quantised:
        return reference_kernels.unpack(precision.given, out)
    return reference_kernels.read_x(precision, out)


def workspace(longest: int, width: int) -> layout.Workspace:
    """Scratch of one thread, of NaN."""
    _, count = layout.cut_workspace(layout._ENDLESS, 0, longest, width)
    return layout.cut_workspace(nans(count), 0, longest, width)[0]
