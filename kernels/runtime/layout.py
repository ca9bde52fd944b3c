"""How the weights of a model lie in memory: one block of dwords, and views into it.

The packer fills the views from Python, and the compiled forward pass reads them: both divide the
block with the functions here. Matrices are micropanels (see `product.py` and operand_layout.py),
those of all layers one after the other. Every feature dimension is padded with zeros to a multiple
of PADDING. All arrays are float32 to Python and Numba; kernels read their dwords as what they are.
(Plain Python here; `abi.py` has Numba compile the same functions.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minner.kernels.model import EMBED, HEAD, LAYER, Kind, Shape, Sizes, Step
from minner.kernels.runtime.operand_layout import FLOAT32_LAYOUT, OperandLayout
from minner.kernels.vector.target import CACHE_LINE, NR, PADDING

Floats = Any  # float32 arrays, in Python and in compiled code
Dwords = Any  # the same to Python and Numba, but a dword may hold something else


class Linear(NamedTuple):
    """A linear layer `[N, K]`, in micropanels (see operand_layout.py)."""

    weight: Dwords  # [N / NR, dwords of K, NR]
    bias: Floats  # [N]
    scale: Floats  # [N], of the int8 weights; [0] if not quantised
    column_sum: Dwords  # int32 [N], sums of the int8 weights; [0] if not quantised


class Norm(NamedTuple):
    """A layer norm."""

    weight: Floats  # [D]
    bias: Floats  # [D]
    epsilon: Floats  # [PADDING], all the same: what is added to the variance


class Weights(NamedTuple):
    """Kernel-ready weights, a field for each step of `model.py` that has some.

    `L` layers are stacked in front; `A` = heads times padded head width. The word embeddings are
    not among them: all precisions share one table.
    """

    position_embeddings: Floats  # [P, D]
    embeddings_norm: Norm  # 1
    qkv: Linear  # L of [3A, D]
    out_lin: Linear  # L of [D, A]
    sa_layer_norm: Norm  # L
    lin1: Linear  # L of [F, D]
    lin2: Linear  # L of [D, F]
    output_layer_norm: Norm  # L
    classifier: Linear  # 1 of [C, D], always float32


def padded(width: int) -> int:
    """Round up to a multiple of PADDING."""
    return (width + PADDING - 1) // PADDING * PADDING


def dwords(width: int, per_dword: int) -> int:
    """Dwords that hold `width` values, padded: whole cache lines."""
    return (padded(width) // per_dword + CACHE_LINE - 1) // CACHE_LINE * CACHE_LINE


def attention_width(shape: Shape) -> int:
    """`A`: the width of all heads side by side, each padded."""
    return shape.heads * padded(shape.dim // shape.heads)


def cut(memory: Floats, start: int, shape: tuple[int, ...]) -> tuple[Floats, int]:
    """View the next dwords of `memory` as an array; also returns where it ends."""
    end = start + math.prod(shape)
    return memory[start:end].reshape(shape), end


def cut_linear(
    memory: Dwords, start: int, layers: int, n: int, k: int, layout: OperandLayout
) -> tuple[Linear, int]:
    """View the next dwords as `layers` linear layers from `k` to `n` features, padded."""
    quantised = n if layout.quantised else 0
    weight, at = cut(memory, start, (layers, n // NR, dwords(k, layout.weights_per_dword), NR))
    bias, at = cut(memory, at, (layers, n))
    scale, at = cut(memory, at, (layers, quantised))
    column_sum, at = cut(memory, at, (layers, quantised))
    return Linear(weight, bias, scale, column_sum), at


def cut_norm(memory: Dwords, start: int, layers: int, dim: int) -> tuple[Norm, int]:
    """View the next dwords as `layers` layer norms."""
    weight, at = cut(memory, start, (layers, dim))
    bias, at = cut(memory, at, (layers, dim))
    epsilon, at = cut(memory, at, (layers, PADDING))
    return Norm(weight, bias, epsilon), at


def padded_sizes(shape: Shape) -> Sizes:
    """The sizes of packed weights; rows that are looked up are as many as there are."""
    return Sizes(
        shape.vocabulary,
        shape.positions,
        padded(shape.dim),
        attention_width(shape),
        padded(shape.hidden_dim),
        padded(shape.classes),
    )


PACKED = (
    *((step, False) for step in EMBED if step.name != "word_embeddings"),
    *((step, True) for step in LAYER if step.modules),
    *((step, False) for step in HEAD),
)
"""The steps whose weights a model's memory holds, in order, and whether each layer has its own."""

Cutter = Callable[..., Any]  # (memory, start, layers, sizes, layout): a view, and where it ends


def make_weight_views(compiled: Callable[[Cutter], Cutter]) -> Callable[..., tuple[Weights, int]]:
    """Make the function that divides a block of dwords into weights.

    Args:
        compiled: what makes a function callable in the code that will call it.

    Returns:
        `(memory, shape, layout)`: the weights, and how many dwords they take.
    """
    cut_all = _cutter_of_all(PACKED, compiled)

    def weight_views(memory: Dwords, shape: Shape, layout: OperandLayout) -> tuple[Weights, int]:
        views, at = cut_all(memory, 0, shape.layers, padded_sizes(shape), layout)
        return Weights(*views), at

    return compiled(weight_views)


def _cutter_of_all(
    steps: tuple[tuple[Step, bool], ...], compiled: Callable[[Cutter], Cutter]
) -> Cutter:
    """Cut one view after the other: a tuple of them, and where the last ends."""
    if not steps:
        return compiled(lambda memory, start, layers, sizes, layout: ((), start))
    cut_first, cut_others = _cutter(*steps[0], compiled), _cutter_of_all(steps[1:], compiled)

    def cut_all(
        memory: Dwords, start: int, layers: int, sizes: Sizes, layout: OperandLayout
    ) -> Any:
        first, at = cut_first(memory, start, layers, sizes, layout)
        others, at = cut_others(memory, at, layers, sizes, layout)
        return (first, *others), at

    return compiled(cut_all)


def _cutter(step: Step, in_layer: bool, compiled: Callable[[Cutter], Cutter]) -> Cutter:
    """Cut the weights of one step."""
    rows, columns = Sizes._fields.index(step.rows), Sizes._fields.index(step.columns)
    parts = len(step.modules)

    def cut_table(
        memory: Dwords, start: int, layers: int, sizes: Sizes, layout: OperandLayout
    ) -> Any:
        return cut(memory, start, (sizes[rows], sizes[columns]))

    def cut_norms(
        memory: Dwords, start: int, layers: int, sizes: Sizes, layout: OperandLayout
    ) -> Any:
        return cut_norm(memory, start, layers if in_layer else 1, sizes.D)

    def cut_linears(
        memory: Dwords, start: int, layers: int, sizes: Sizes, layout: OperandLayout
    ) -> Any:
        n, k = parts * sizes[rows], sizes[columns]
        if in_layer:
            return cut_linear(memory, start, layers, n, k, layout)
        return cut_linear(memory, start, 1, n, k, FLOAT32_LAYOUT)

    cutters = {Kind.TABLE: cut_table, Kind.NORM: cut_norms, Kind.LINEAR: cut_linears}
    return compiled(cutters[step.kind])


weight_views = make_weight_views(lambda function: function)
"""Divide a block of dwords into weights, in Python; compiled code makes its own."""


ENDLESS = np.broadcast_to(np.float32(0), (1 << 60,))  # takes no memory: for counting


def weight_count(shape: Shape, layout: OperandLayout) -> int:
    """Dwords that a model's weights take."""
    return weight_views(ENDLESS, shape, layout)[1]
