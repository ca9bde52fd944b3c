"""From checkpoint tensors to kernel-ready arrays: padded, scaled, and cut into panels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minner.kernels.layout import Shape, Weights, padded, weight_count, weight_views
from minner.kernels.target import BLOCK
from minner.weights.checkpoint import Checkpoint
from minner.weights.config import Config

Floats = NDArray[np.float32]

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register."""


@dataclass(frozen=True)
class PackedModel:
    """What the forward pass needs of a model.

    Attributes:
        shape: its sizes.
        activation: its activation function, by the name that `Config` gives it.
        words: float32 `[V, D]`, D padded; the checkpoint's own memory where no padding is needed.
        memory: every other weight, divided by `minner.kernels.layout.weight_views`.
    """

    shape: Shape
    activation: str
    words: Floats
    memory: Floats


def aligned_empty(count: int) -> Floats:
    """An uninitialised float32 `[count]` that starts on a cache line."""
    raw = np.empty(count * 4 + ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + count * 4].view(np.float32)


def pack(checkpoint: Checkpoint) -> PackedModel:
    """Lay a checkpoint out for the kernels."""
    shape = shape_of(checkpoint.config)
    memory = aligned_empty(weight_count(shape))
    memory[:] = 0.0
    weights, _ = weight_views(memory, shape)
    _pack_ends(checkpoint, weights)
    for layer in range(shape.layers):
        _pack_layer(checkpoint, layer, shape.heads, weights)
    words = checkpoint.tensors["embeddings.word_embeddings.weight"]
    words = pad_columns(words, padded(shape.dim))
    return PackedModel(shape, checkpoint.config.activation, words, memory)


def shape_of(config: Config) -> Shape:
    """The sizes that the kernels need of a model."""
    return Shape(
        vocabulary=config.vocab_size,
        positions=config.max_position_embeddings,
        layers=config.n_layers,
        heads=config.n_heads,
        dim=config.dim,
        hidden_dim=config.hidden_dim,
        classes=len(config.labels),
    )


def _pack_ends(checkpoint: Checkpoint, weights: Weights) -> None:
    tensors = checkpoint.tensors
    for view, name in (
        (weights.positions, "embeddings.position_embeddings.weight"),
        (weights.embed_norm_weight, "embeddings.LayerNorm.weight"),
        (weights.embed_norm_bias, "embeddings.LayerNorm.bias"),
        (weights.classifier_bias, "classifier.bias"),
    ):
        fill(view, tensors[name])
    fill_panels(weights.classifier_weight, tensors["classifier.weight"])


def _pack_layer(checkpoint: Checkpoint, layer: int, heads: int, weights: Weights) -> None:
    def tensor(name: str) -> Floats:
        return checkpoint.tensors[f"transformer.layer.{layer}.{name}"]

    for view, name in (
        (weights.out_lin_bias, "attention.out_lin.bias"),
        (weights.sa_norm_weight, "sa_layer_norm.weight"),
        (weights.sa_norm_bias, "sa_layer_norm.bias"),
        (weights.lin1_bias, "ffn.lin1.bias"),
        (weights.lin2_bias, "ffn.lin2.bias"),
        (weights.output_norm_weight, "output_layer_norm.weight"),
        (weights.output_norm_bias, "output_layer_norm.bias"),
    ):
        fill(view[layer], tensor(name))

    # The scores' factor 1/sqrt(d) goes into q once; for d = 64 it is 1/8 and changes no bit.
    head_width = tensor("attention.q_lin.bias").size // heads
    scales = (np.float32(head_width**-0.5), np.float32(1), np.float32(1))
    names = ("q_lin", "k_lin", "v_lin")
    fill_panels(
        weights.qkv_weight[layer],
        np.concatenate(
            [
                pad_heads(tensor(f"attention.{name}.weight") * scale, heads)
                for name, scale in zip(names, scales, strict=True)
            ]
        ),
    )
    weights.qkv_bias[layer] = np.concatenate(
        [
            pad_heads(tensor(f"attention.{name}.bias") * scale, heads)
            for name, scale in zip(names, scales, strict=True)
        ]
    )
    out_lin = pad_heads(tensor("attention.out_lin.weight").T, heads).T
    fill_panels(weights.out_lin_weight[layer], out_lin)
    fill_panels(weights.lin1_weight[layer], tensor("ffn.lin1.weight"))
    fill_panels(weights.lin2_weight[layer], tensor("ffn.lin2.weight"))


def fill(view: Floats, values: Floats) -> None:
    """Copy into the leading columns of a padded view; the rest stays 0."""
    view[..., : values.shape[-1]] = values


def fill_panels(view: Floats, weight: Floats) -> None:
    """Cut a weight `[N, K]` (out, in) into panels `[N / BLOCK, K, BLOCK]`; the rest stays 0."""
    whole, rest = divmod(weight.shape[0], BLOCK)
    inner = weight.shape[1]
    view[:whole] = weight[: whole * BLOCK].reshape(whole, BLOCK, inner).transpose(0, 2, 1)
    if rest:
        view[whole, :, :rest] = weight[whole * BLOCK :].T


def pad_heads(rows: Floats, heads: int) -> Floats:
    """Give each head of `[H * d, ...]` zero rows up to BLOCK: `[H * padded(d), ...]`."""
    per_head = rows.reshape(heads, -1, *rows.shape[1:])
    width = per_head.shape[1]
    padding = [(0, 0), (0, padded(width) - width), *[(0, 0)] * (rows.ndim - 1)]
    return np.pad(per_head, padding).reshape(-1, *rows.shape[1:])


def pad_columns(table: Floats, width: int) -> Floats:
    """A C-contiguous table with zero columns up to `width`; itself where it has them all."""
    missing = width - table.shape[1]
    return np.pad(table, [(0, 0), (0, missing)]) if missing else np.ascontiguousarray(table)
