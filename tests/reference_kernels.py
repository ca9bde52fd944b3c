"""The reference kernels: every kernel of `minner.kernels` again, in NumPy, with its arguments.

Slow, short and in float64: the kernels are tested against them, and what a kernel does can be
looked up here. A reference kernel reads and writes the same dwords as its kernel, and rounds
nothing in between.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from minner.kernels.precision import Precision, attention_precision, float32
from minner.kernels.quantise import SMALLEST_QUANTISED
from minner.kernels.runtime.buffers import ProductInput, ThreadScratch
from minner.kernels.runtime.layout import Linear, Norm
from minner.kernels.runtime.operand_layout import OperandLayout
from minner.kernels.vector.target import AMX_TILE, CACHE_LINE, NR

Array = NDArray[Any]
Write = Callable[[Array, Array], None]


# ---- dwords: several numbers in 32 bits ----------------------------------------------------------


def rounded_to_bfloat16(values: Array) -> NDArray[np.float32]:
    """Round to 8 significant bits, ties to even (for what is neither tiny nor huge)."""
    mantissa, exponent = np.frexp(values)
    rounded: Array = np.ldexp(np.rint(np.ldexp(mantissa, 8)), exponent - 8)
    return rounded.astype(np.float32)


def pack(precision: Precision, values: Array) -> NDArray[np.float32]:
    """As `Precision.pack`: values `[..., N]` as dwords `[..., N / x_per_dword]`."""
    per_dword = precision.layout.x_per_dword
    if precision.layout.quantised:
        whole = values.astype(np.int16)
        packed = whole.astype(np.uint8) if per_dword == 4 else _in_pairs(whole)
        return packed.view(np.float32)
    if per_dword == 2:  # the upper halves
        return np.ascontiguousarray(rounded_to_bfloat16(values).view(np.uint16)[..., 1::2]).view(
            np.float32
        )
    return values.astype(np.float32)


def unpack(precision: Precision, dwords: Array) -> NDArray[np.float64]:
    """The values of dwords of x: those that `pack` got, rounded."""
    per_dword = precision.layout.x_per_dword
    if precision.layout.quantised:
        kind = {2: np.int16, 4: np.int8 if precision.lowest else np.uint8}[per_dword]
        whole = dwords.view(kind)
        return (_in_pairs(whole) if per_dword == 2 else whole).astype(np.float64)
    return _unpack_bfloat16(dwords) if per_dword == 2 else dwords.astype(np.float64)


def _unpack_bfloat16(dwords: Array) -> NDArray[np.float64]:
    return (dwords.view(np.uint16).astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def _in_pairs(values: Array) -> Array:
    """Of each four the second and third change places; once more, and all is as before."""
    return values.reshape(-1, 4)[:, [0, 2, 1, 3]].reshape(values.shape)


def unpack_weight(layout: OperandLayout, weight: Array) -> NDArray[np.float64]:
    """The values `[N, K]` of the micropanels `[N / NR, dwords of K, NR]` of a weight."""
    panels, dwords, _ = weight.shape
    if layout.amx:
        blocks = weight.reshape(panels, dwords // AMX_TILE, NR // AMX_TILE, AMX_TILE, AMX_TILE)
        weight = blocks.swapaxes(2, 3)
    columns = np.ascontiguousarray(weight.reshape(panels, dwords, NR).swapaxes(1, 2))
    rows = columns.reshape(-1, dwords)
    if layout.weights_per_dword == 2:
        return _unpack_bfloat16(rows)
    return rows.view(np.int8 if layout.weights_per_dword == 4 else np.float32).astype(np.float64)


# ---- x: blocks of `OperandLayout.mr` rows (see operand_layout.py) -------------------------------


def _memory(x: Array, layout: OperandLayout) -> Array:
    """The dwords of x `[T, dwords]` as they lie in memory: to the end of its last block of rows."""
    blocks = (len(x) + layout.mr - 1) // layout.mr
    return as_strided(x, (blocks * layout.mr * x.shape[1],), (x.itemsize,))


def _places(x: Array, layout: OperandLayout, columns: int) -> NDArray[np.int64]:
    """Where in that memory the first dwords of each row lie: `[T, columns]`."""
    row, dword = np.ogrid[: len(x), :columns]
    block, line = row // layout.mr * x.shape[1], dword // CACHE_LINE * CACHE_LINE
    places: Array = (block + line) * layout.mr + row % layout.mr * CACHE_LINE + dword % CACHE_LINE
    return places


def read_x(precision: Precision, x: Array) -> NDArray[np.float64]:
    """The values `[T, K]` of x."""
    layout = precision.layout
    return unpack(precision, _memory(x, layout)[_places(x, layout, x.shape[1])])


def read_input(precision: Precision, x: ProductInput) -> NDArray[np.float64]:
    """The values `[T, K]` that a product multiplies; divided by their scales if they have some."""
    values = read_x(precision, x.rows)
    if precision.layout.quantised:
        values -= x.zero.view(np.int32)[: len(values), None]
    return values


def blocked(precision: Precision) -> Write:
    """As `Precision.blocked`, all rows at once: `(x [T, dwords], values [T, K])`."""

    def write(x: Array, values: Array) -> None:
        packed = pack(precision, values)
        _memory(x, precision.layout)[_places(x, precision.layout, packed.shape[1])] = packed

    return write


def row_major(precision: Precision) -> Write:
    """As `Precision.row_major`."""

    def write(out: Array, values: Array) -> None:
        packed = pack(precision, values)
        out[:, : packed.shape[1]] = packed

    return write


def in_heads(precision: Precision) -> Write:
    """As `Precision.in_heads`."""

    def write(out: Array, values: Array) -> None:
        heads, rows, _ = out.shape
        packed = pack(precision, values)
        out[:] = packed.reshape(rows, heads, -1).swapaxes(0, 1)

    return write


def product_input(precision: Precision) -> Write:
    """As `Precision.product_input`."""
    return row_major(precision.unquantised) if precision.layout.quantised else blocked(precision)


def write_product_input(precision: Precision, values: Array, x: ProductInput) -> None:
    """Write rows `[T, K]` as a product reads them, quantised if need be.

    Scales and zeros are computed in float32, as the kernels do it.
    """
    if not precision.layout.quantised:
        blocked(precision)(x.rows, values)
        return
    values = values.astype(np.float32)
    low, high = values.min(axis=1, initial=0), values.max(axis=1, initial=0)
    extent = high - low
    x.scale[: len(values)] = extent * np.float32(1 / precision.steps)
    factors = np.divide(
        precision.steps, extent, out=np.zeros_like(extent), where=extent > SMALLEST_QUANTISED
    )
    zero = precision.lowest - np.rint(low * factors).astype(np.int32)
    x.zero.view(np.int32)[: len(values)] = zero
    exact = values.astype(np.float64) * factors[:, None]
    blocked(precision)(x.rows, np.rint(exact + zero[:, None]))


# ---- the kernels --------------------------------------------------------------------------------

_row_major_float32 = row_major(float32)


def linear_kernel(
    precision: Precision = float32,
    activation: Callable[[Array], Array] = lambda x: x,
    residual: bool = False,
    output: Write = _row_major_float32,
    outputs: int = 1,
) -> Callable[..., None]:
    """Reference kernel of `product.linear_kernel`; `activation` works on float64 arrays.

    `outputs` only says in which order a kernel goes.
    """

    def run(x: ProductInput, layer: Linear, added: Array | float, out: Array) -> None:
        values, weight = read_input(precision, x), unpack_weight(precision.layout, layer.weight)
        total = values @ weight.T
        if precision.layout.quantised:
            total *= x.scale[: len(total), None].astype(np.float64) * layer.scale
        output(out, activation(total + layer.bias) + added)

    def linear(_team: Any, x: ProductInput, layer: Linear, _accumulator: Array, out: Array) -> None:
        run(x, layer, 0.0, out)

    def linear_residual(
        _team: Any, x: ProductInput, layer: Linear, residual: Array, _accumulator: Array, out: Array
    ) -> None:
        run(x, layer, residual, out)

    return linear_residual if residual else linear


def quantise_kernel(precision: Precision) -> Callable[..., None]:
    """Reference kernel of `quantise.quantise_kernel`."""

    def quantise(_team: Any, unquantised: Array, x: ProductInput) -> None:
        if precision.layout.quantised:
            write_product_input(precision, unpack(precision.unquantised, unquantised), x)

    return quantise


def layer_norm_kernel(precision: Precision = float32) -> Callable[..., None]:
    """Reference kernel of `layer_norm.layer_norm_kernel`."""

    def layer_norm(_team: Any, hidden: Array, norm: Norm, width: int, x: ProductInput) -> None:
        exact = hidden[:, :width].astype(np.float64)
        difference = exact - exact.mean(axis=1, keepdims=True)
        normal = difference / np.sqrt(exact.var(axis=1, keepdims=True) + norm.epsilon[0])
        hidden[:, :width] = normal * norm.weight[:width] + norm.bias[:width]
        hidden[:, width:] = 0
        write_product_input(precision, hidden, x)

    return layer_norm


def embed_kernel(precision: Precision = float32) -> Callable[..., None]:
    """Reference kernel of `embeddings.embed_kernel`."""
    layer_norm = layer_norm_kernel(precision)

    def embed(
        team: Any,
        ids: Array,
        positions: Array,
        word_embeddings: Array,
        position_embeddings: Array,
        norm: Norm,
        width: int,
        hidden: Array,
        x: ProductInput,
    ) -> None:
        hidden[:] = word_embeddings[ids] + position_embeddings[positions]
        layer_norm(team, hidden, norm, width, x)

    return embed


def gather_rows_kernel(precision: Precision = float32) -> Callable[..., None]:
    """Reference kernel of `gather_rows.gather_rows_kernel`."""

    def gather_rows(_team: Any, rows: Array, hidden: Array, context: Array) -> None:
        kept = len(rows)
        hidden[:kept] = hidden[rows]
        if precision.layout.quantised:
            context[:kept] = context[rows]
        else:
            memory = _memory(context, precision.layout)
            places = _places(context, precision.layout, context.shape[1])
            memory[places[:kept]] = memory[places[rows]]

    return gather_rows


def attention_kernel(precision: Precision = float32) -> Callable[..., None]:
    """Reference kernel of `attention.attention_kernel`; needs no scratch."""
    inner = attention_precision(precision)

    def attention(
        _team: Any,
        qkv: Array,
        bounds: Array,
        heads: int,
        width: int,
        _scratch: ThreadScratch,
        context: Array,
    ) -> None:
        parts = unpack(inner, qkv).reshape(3, heads, -1, width)
        exact = np.empty((bounds[-1], heads, width))
        for first, last in pairwise(bounds):
            q, k, v = parts[:, :, first:last]  # each [H, N, d]
            scores = q @ k.swapaxes(1, 2)
            weights = np.exp(scores - scores.max(axis=2, keepdims=True))
            weights /= weights.sum(axis=2, keepdims=True)
            exact[first:last] = (weights @ v).swapaxes(0, 1)
        product_input(precision)(context, exact.reshape(len(exact), -1))

    return attention
