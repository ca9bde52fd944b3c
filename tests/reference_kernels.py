"""The reference kernels: every kernel of `minner.kernels` again, in NumPy, with its arguments.

Slow, short and in float64: what the fast kernels are tested against, and the place to look up
what one of them does. A twin reads and writes the same words as its kernel; what lies between is
not rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from minner.kernels.precision import Precision, attention_precision, float32
from minner.kernels.runtime.layout import Linear, Norm, Operand, Workspace
from minner.kernels.runtime.operand_layout import Form
from minner.kernels.vector.target import BLOCK, TILE

Array = NDArray[Any]
Write = Callable[[Array, Array], None]

SMALLEST = 2.0**-120

# ---- words: several numbers in 32 bits ----------------------------------------------------------


def to_bfloat16(values: Array) -> NDArray[np.float32]:
    """Round to 8 significant bits, ties to even (for what is neither tiny nor huge)."""
    mantissa, exponent = np.frexp(values)
    rounded: Array = np.ldexp(np.rint(np.ldexp(mantissa, 8)), exponent - 8)
    return rounded.astype(np.float32)


def pack(precision: Precision, values: Array) -> NDArray[np.float32]:
    """Twin of `Precision.pack`: values `[..., N]` as words `[..., N / x_step]`."""
    step = precision.form.x_step
    if precision.form.quantised:
        whole = values.astype(np.int16) + np.int16(precision.offset)
        packed = whole.astype(np.uint8) if step == 4 else _in_pairs(whole)
        return packed.view(np.float32)
    if step == 2:  # the upper halves
        return np.ascontiguousarray(to_bfloat16(values).view(np.uint16)[..., 1::2]).view(np.float32)
    return values.astype(np.float32)


def unpack(precision: Precision, words: Array) -> NDArray[np.float64]:
    """The values of words of x: what `pack` was given, rounded."""
    step = precision.form.x_step
    if precision.form.quantised:
        kind = {2: np.int16, 4: np.uint8 if precision.offset else np.int8}[step]
        whole = words.view(kind)
        return (_in_pairs(whole) if step == 2 else whole).astype(np.float64) - precision.offset
    return _unpack_bfloat16(words) if step == 2 else words.astype(np.float64)


def _unpack_bfloat16(words: Array) -> NDArray[np.float64]:
    return (words.view(np.uint16).astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def _in_pairs(values: Array) -> Array:
    """Of each four the second and third change places; once more, and all is as before."""
    return values.reshape(-1, 4)[:, [0, 2, 1, 3]].reshape(values.shape)


def unpack_weight(form: Form, weight: Array) -> NDArray[np.float64]:
    """The values `[N, K]` of the panels `[N / BLOCK, words of K, BLOCK]` of a weight."""
    panels, words, _ = weight.shape
    if form.tiled:
        blocks = weight.reshape(panels, words // TILE, BLOCK // TILE, TILE, TILE)
        weight = blocks.swapaxes(2, 3)
    columns = np.ascontiguousarray(weight.reshape(panels, words, BLOCK).swapaxes(1, 2))
    rows = columns.reshape(-1, words)
    if form.step == 2:
        return _unpack_bfloat16(rows)
    return rows.view(np.int8 if form.step == 4 else np.float32).astype(np.float64)


# ---- x: blocks of `Form.rows` rows by TILE words ------------------------------------------------


def _memory(x: Array, form: Form) -> Array:
    """The words of x `[T, words]` as they lie in memory: to the end of its last block of rows."""
    blocks = (len(x) + form.rows - 1) // form.rows
    return as_strided(x, (blocks * form.rows * x.shape[1],), (x.itemsize,))


def _places(x: Array, form: Form, columns: int) -> NDArray[np.int64]:
    """Where in that memory the first words of each row lie: `[T, columns]`."""
    row, word = np.ogrid[: len(x), :columns]
    block, line = row // form.rows * x.shape[1], word // TILE * TILE
    places: Array = (block + line) * form.rows + row % form.rows * TILE + word % TILE
    return places


def read_x(precision: Precision, x: Array) -> NDArray[np.float64]:
    """The values `[T, K]` of x."""
    form = precision.form
    return unpack(precision, _memory(x, form)[_places(x, form, x.shape[1])])


def blocked(precision: Precision) -> Write:
    """Twin of `Precision.blocked`: writes all rows at once, `(x [T, words], values [T, K])`."""

    def write(x: Array, values: Array) -> None:
        packed = pack(precision, values)
        _memory(x, precision.form)[_places(x, precision.form, packed.shape[1])] = packed

    return write


def plain(precision: Precision) -> Write:
    """Twin of `Precision.plain`."""

    def write(out: Array, values: Array) -> None:
        packed = pack(precision, values)
        out[:, : packed.shape[1]] = packed

    return write


def in_heads(precision: Precision) -> Write:
    """Twin of `Precision.in_heads`."""

    def write(out: Array, values: Array) -> None:
        heads, rows, _ = out.shape
        packed = pack(precision, values)
        out[:] = packed.reshape(rows, heads, -1).swapaxes(0, 1)

    return write


def product_rows(precision: Precision) -> Write:
    """Twin of `Precision.product_rows`."""
    return plain(precision.given) if precision.form.quantised else blocked(precision)


def write_operand(precision: Precision, values: Array, x: Operand) -> None:
    """Write rows `[T, K]` as a product reads them, quantised if need be.

    Steps are counted in float32, as the kernels do, so that both decide alike about a tie.
    """
    if not precision.form.quantised:
        blocked(precision)(x.rows, values)
        return
    values = values.astype(np.float32)
    peaks = np.abs(values).max(axis=1)
    x.scale[: len(values)] = peaks * np.float32(1 / precision.steps)
    steps = np.divide(precision.steps, peaks, out=np.zeros_like(peaks), where=peaks > SMALLEST)
    blocked(precision)(x.rows, np.rint(values * steps[:, None]))


# ---- the kernels --------------------------------------------------------------------------------

_plain_float32 = plain(float32)


def linear_kernel(
    precision: Precision = float32,
    activation: Callable[[Array], Array] = lambda x: x,
    residual: bool = False,
    given: Write = _plain_float32,
    parts: int = 1,
) -> Callable[..., None]:
    """Twin of `product.linear_kernel`; `activation` works on float64 arrays.

    `parts` only says in which order a kernel goes.
    """

    def run(x: Operand, layer: Linear, added: Array | float, out: Array) -> None:
        values, weight = read_x(precision, x.rows), unpack_weight(precision.form, layer.weight)
        total = values @ weight.T
        if precision.form.quantised:
            total *= x.scale[: len(total), None].astype(np.float64) * layer.scale
        given(out, activation(total + layer.bias) + added)

    def linear(_team: Any, x: Operand, layer: Linear, _accumulator: Array, out: Array) -> None:
        run(x, layer, 0.0, out)

    def linear_residual(
        _team: Any, x: Operand, layer: Linear, residual: Array, _accumulator: Array, out: Array
    ) -> None:
        run(x, layer, residual, out)

    return linear_residual if residual else linear


def quantise_kernel(precision: Precision) -> Callable[..., None]:
    """Twin of `quantise.quantise_kernel`."""

    def quantise(_team: Any, given: Array, x: Operand) -> None:
        if precision.form.quantised:
            write_operand(precision, unpack(precision.given, given), x)

    return quantise


def layer_norm_kernel(precision: Precision = float32) -> Callable[..., None]:
    """Twin of `norm.layer_norm_kernel`."""

    def layer_norm(_team: Any, hidden: Array, norm: Norm, width: int, x: Operand) -> None:
        exact = hidden[:, :width].astype(np.float64)
        difference = exact - exact.mean(axis=1, keepdims=True)
        normal = difference / np.sqrt(exact.var(axis=1, keepdims=True) + norm.epsilon[0])
        hidden[:, :width] = normal * norm.weight[:width] + norm.bias[:width]
        hidden[:, width:] = 0
        write_operand(precision, hidden, x)

    return layer_norm


def embed_kernel(precision: Precision = float32) -> Callable[..., None]:
    """Twin of `norm.embed_kernel`."""
    layer_norm = layer_norm_kernel(precision)

    def embed(
        team: Any,
        ids: Array,
        positions: Array,
        words: Array,
        places: Array,
        norm: Norm,
        width: int,
        hidden: Array,
        x: Operand,
    ) -> None:
        hidden[:] = words[ids] + places[positions]
        layer_norm(team, hidden, norm, width, x)

    return embed


def keep_rows_kernel(precision: Precision = float32) -> Callable[..., None]:
    """Twin of `keep.keep_rows_kernel`."""

    def keep_rows(_team: Any, rows: Array, hidden: Array, context: Array) -> None:
        kept = len(rows)
        hidden[:kept] = hidden[rows]
        if precision.form.quantised:
            context[:kept] = context[rows]
        else:
            memory = _memory(context, precision.form)
            places = _places(context, precision.form, context.shape[1])
            memory[places[:kept]] = memory[places[rows]]

    return keep_rows


def attention_kernel(precision: Precision = float32) -> Callable[..., None]:
    """Twin of `attention.attention_kernel`; needs no scratch."""
    inner = attention_precision(precision)

    def attention(
        _team: Any,
        qkv: Array,
        bounds: Array,
        heads: int,
        width: int,
        _own: Workspace,
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
        product_rows(precision)(context, exact.reshape(len(exact), -1))

    return attention
