"""From checkpoint tensors to kernel-ready arrays: padded, scaled, cut into micropanels."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minner.errors import MinnerError
from minner.kernels.model import Kind, Step, layer_prefix, tensor_shapes
from minner.kernels.runtime.layout import (
    PACKED,
    Linear,
    padded,
    weight_count,
    weight_views,
)
from minner.kernels.runtime.operand_layout import (
    FLOAT32_LAYOUT,
    OPERAND_LAYOUTS,
    QMAX_OF_INT16,
    OperandLayout,
)
from minner.kernels.vector.target import AMX_TILE, PADDING
from minner.weights.checkpoint import Checkpoint
from minner.weights.config import Config
from minner.weights.numbers import QMAX, score_factor, to_bfloat16, to_int8, with_small_sums
from minner.weights.packed_model import Dwords, Floats, PackedModel, aligned_empty

Module = Mapping[str, Floats]  # its `weight`, and its `bias` if it has one

_WORD_EMBEDDINGS = "embeddings.word_embeddings.weight"

BLOCK = 1 << 19
"""Word embeddings that are converted at once: they stay in a processor's cache."""

WIDEST = (2**31 - 1) // (QMAX * 2 * QMAX_OF_INT16)
"""How many products an int32 can sum up without overflow, on every host: values of x are at most
`Precision.steps` away from 0."""


def pack(checkpoint: Checkpoint, precision: str = "float32") -> PackedModel:
    """Lay a checkpoint out for the kernels, in a precision of `OPERAND_LAYOUTS`."""
    return PackedModel(
        checkpoint.config.shape,
        checkpoint.config.activation,
        precision,
        word_embeddings(checkpoint),
        pack_memory(checkpoint, OPERAND_LAYOUTS[precision]),
    )


def word_embeddings(checkpoint: Checkpoint) -> Floats:
    """The word embeddings `[V, D]`, D padded; the same in every precision."""
    return pad_columns(checkpoint.tensor(_WORD_EMBEDDINGS), padded(checkpoint.config.dim))


def pack_word_embeddings(checkpoint: Checkpoint) -> Iterator[Floats]:
    """The same table, some rows at a time: it may be much larger than what it is stored as."""
    width = padded(checkpoint.config.dim)
    rows = max(1, BLOCK // width // PADDING) * PADDING  # whole pages: widths are such multiples
    for block in checkpoint.stored[_WORD_EMBEDDINGS].blocks(rows):
        yield pad_columns(block, width)
        checkpoint.release()


def pack_memory(checkpoint: Checkpoint, layout: OperandLayout) -> Dwords:
    """All other weights, as `minner.kernels.runtime.layout.weight_views` divides them."""
    shape = checkpoint.config.shape
    memory = aligned_empty(weight_count(shape, layout))
    memory[:] = 0.0
    weights, _ = weight_views(memory, shape, layout)
    names = tensor_shapes(shape)
    for step, in_layer in PACKED:
        views = getattr(weights, step.name)
        for layer in range(shape.layers if in_layer else 1):
            prefix = layer_prefix(layer) if in_layer else ""
            modules = [_module(checkpoint, prefix + name, names) for name in step.modules]
            _pack_step(
                step,
                modules,
                checkpoint.config,
                views,
                layer,
                layout if in_layer else FLOAT32_LAYOUT,
            )
            del modules
            checkpoint.release()
    return memory


def _module(checkpoint: Checkpoint, name: str, names: Collection[str]) -> Module:
    kinds = [kind for kind in ("weight", "bias") if f"{name}.{kind}" in names]
    return {kind: checkpoint.tensor(f"{name}.{kind}") for kind in kinds}


def _pack_step(
    step: Step,
    modules: Sequence[Module],
    config: Config,
    views: Any,
    layer: int,
    layout: OperandLayout,
) -> None:
    """Pack the modules of one step, side by side, into a layer of its views."""
    if step.kind is Kind.TABLE:
        fill(views, modules[0]["weight"])
    elif step.kind is Kind.NORM:
        fill(views.weight[layer], modules[0]["weight"])
        fill(views.bias[layer], modules[0]["bias"])
        views.epsilon[layer] = config.layer_norm_eps
    else:
        heads = config.n_heads
        weight = np.concatenate([_pad_matrix(step, m["weight"], heads) for m in modules])
        biases = [m["bias"] for m in modules]
        bias = np.concatenate([pad_heads(b, heads) if step.rows == "A" else b for b in biases])
        factors = None
        if step.name == "qkv":
            # The scores' factor 1/sqrt(d) goes into q; for d = 64 it is 1/8 and changes no bit.
            factors = np.ones_like(bias)
            factors[: bias.size // 3] = score_factor(config.dim // heads)
        fill_linear(views, layer, weight, bias, layout, factors)


def _pad_matrix(step: Step, weight: Floats, heads: int) -> Floats:
    """Pad the heads of a matrix where they are its rows or its columns."""
    rows = pad_heads(weight, heads) if step.rows == "A" else weight
    return pad_heads(rows.T, heads).T if step.columns == "A" else rows


def fill_linear(
    linear: Linear,
    layer: int,
    weight: Floats,
    bias: Floats,
    layout: OperandLayout,
    factors: Floats | None = None,
) -> None:
    """Pack one layer's weight `[N, K]` (out, in) and bias `[N]` into stacked linear layers.

    Outputs are multiplied by `factors` `[N]`: in int8 by their scales, so that the integers are
    those of the weight alone, as a converted checkpoint holds them.

    Raises:
        MinnerError: int8 sums of so many products could overflow.
    """
    if layout.quantised and weight.shape[1] > WIDEST:
        raise MinnerError(
            f"a layer of this model has {weight.shape[1]} inputs, and int8 can sum up {WIDEST}: "
            "load it in bfloat16 or float32"
        )
    fill(linear.bias[layer], bias if factors is None else bias * factors)
    if layout.quantised:
        quantised, scales = to_int8(weight)
        if layout.sums_int16:
            quantised, scales = with_small_sums(quantised, scales)
        fill_panels(linear.weight[layer], quantised, layout.amx)
        fill(linear.scale[layer], scales if factors is None else scales * factors)
        sums = quantised.sum(axis=1, dtype=np.int32)
        fill(linear.column_sum[layer].view(np.int32), sums)
    else:
        scaled = weight if factors is None else weight * factors[:, None]
        values = scaled if layout.weights_per_dword == 1 else to_bfloat16(scaled)
        fill_panels(linear.weight[layer], values, layout.amx)


def fill(view: NDArray[Any], values: NDArray[Any]) -> None:
    """Copy into the leading columns of a padded view; the rest stays 0."""
    view[..., : values.shape[-1]] = values


def fill_panels(view: Dwords, weight: NDArray[Any], amx: bool = False) -> None:
    """Cut a weight `[N, K]` (out, in) into micropanels `[N / NR, dwords of K, NR]`, padded with 0.

    Values of fewer bits share a dword: the lowest k stands in its lowest bits. For AMX, each
    micropanel is cut further into AMX tiles of AMX_TILE dwords by AMX_TILE columns.
    """
    panels, dwords, nr = view.shape
    rows, inner = weight.shape
    whole = np.zeros((panels * nr, dwords * (4 // weight.itemsize)), dtype=weight.dtype)
    whole[:rows, :inner] = weight
    packed: NDArray[Any] = whole.view(np.uint32).reshape(panels, nr, dwords)
    if amx:
        tiles = packed.reshape(panels, nr // AMX_TILE, AMX_TILE, dwords // AMX_TILE, AMX_TILE)
        packed = tiles.transpose(0, 3, 1, 4, 2).reshape(view.shape)
    else:
        packed = packed.transpose(0, 2, 1)
    view.view(np.uint32)[:] = packed


def pad_heads(rows: Floats, heads: int) -> Floats:
    """Give each head of `[H * d, ...]` zero rows up to PADDING: `[H * padded(d), ...]`."""
    per_head = rows.reshape(heads, -1, *rows.shape[1:])
    width = per_head.shape[1]
    padding = [(0, 0), (0, padded(width) - width), *[(0, 0)] * (rows.ndim - 1)]
    return np.pad(per_head, padding).reshape(-1, *rows.shape[1:])


def pad_columns(table: Floats, width: int) -> Floats:
    """A C-contiguous table with zero columns up to `width`; itself where it has them all."""
    missing = width - table.shape[1]
    return np.pad(table, [(0, 0), (0, missing)]) if missing else np.ascontiguousarray(table)
