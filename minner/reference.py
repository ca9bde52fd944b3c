"""BERT for token classification in plain NumPy: the whole model on one page.

This is the executable definition of what minner computes, written to be read. Every kernel is
tested against it. It needs NumPy alone, and pads nothing: a batch is a loop.

Shapes: `T` tokens, `D` model width, `H` heads, `d` = D / H, `F` feed-forward width, `C` tag
classes. The parameters are a nested dictionary whose keys are the names in the checkpoint, so
`linear(x, **attention["q_lin"])` reads `attention.q_lin.weight` and `attention.q_lin.bias`.

The definition followed: Hugging Face transformers, `models/distilbert/modeling_distilbert.py`. The
other families of BERT become the same when a checkpoint is loaded: see `minner.weights`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import erf, pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Record = Callable[[str, Floats], Floats]

_erf = np.vectorize(erf, otypes=[np.float64])

ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "gelu": lambda x: (x * 0.5 * (1 + _erf(x / sqrt(2)))).astype(np.float32),
    "gelu_tanh": lambda x: (
        0.5 * x * (1 + np.tanh(np.float32(sqrt(2 / pi)) * (x + 0.044715 * x**3)))
    ),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
}


def linear(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """Weights are stored (out, in)."""
    return x @ weight.T + bias  # [T, in] -> [T, out]


def layer_norm(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    """Each token gets mean 0 and variance 1 over its D values, then a learned scale and shift."""
    mean = x.mean(axis=-1, keepdims=True)  # [T, 1]
    variance = x.var(axis=-1, keepdims=True)  # [T, 1], biased: divided by D
    return (x - mean) / np.sqrt(variance + np.float32(epsilon)) * weight + bias  # [T, D]


def softmax(x: Floats) -> Floats:
    """Probabilities from scores; the maximum is subtracted so that `exp` cannot overflow."""
    weights = np.exp(x - x.max(axis=-1, keepdims=True))  # [..., N]
    return weights / weights.sum(axis=-1, keepdims=True)  # [..., N], rows sum to 1


def split_heads(x: Floats, heads: int) -> Floats:
    """Head h owns the columns h d to (h + 1) d."""
    return x.reshape(len(x), heads, -1).swapaxes(0, 1)  # [T, D] -> [H, T, d]


def attention(x: Floats, layer: Mapping[str, Any], heads: int, record: Record) -> Floats:
    """Every token looks at every token of its sequence, in H independent ways."""
    q = split_heads(record("q_lin", linear(x, **layer["q_lin"])), heads)  # [H, T, d]
    k = split_heads(record("k_lin", linear(x, **layer["k_lin"])), heads)  # [H, T, d]
    v = split_heads(record("v_lin", linear(x, **layer["v_lin"])), heads)  # [H, T, d]
    scores = q @ k.swapaxes(1, 2) * np.float32(q.shape[-1] ** -0.5)  # [H, T, T]
    weights = record("weights", softmax(scores))  # [H, T, T]
    context = (weights @ v).swapaxes(0, 1).reshape(x.shape)  # [H, T, d] -> [T, D]
    return record("out_lin", linear(context, **layer["out_lin"]))  # [T, D]


def feed_forward(x: Floats, layer: Mapping[str, Any], activation: str, record: Record) -> Floats:
    """Each token by itself: widen to F, activate, narrow to D again."""
    inner = ACTIVATIONS[activation](record("lin1", linear(x, **layer["lin1"])))  # [T, F]
    return record("lin2", linear(record("activation", inner), **layer["lin2"]))  # [T, D]


def block(
    x: Floats,
    layer: Mapping[str, Any],
    heads: int,
    activation: str,
    epsilon: float,
    record: Record,
) -> Floats:
    """One layer: attention, then feed-forward, each added to its input and normalised."""
    inner = _within(record, "attention")
    a = attention(x, layer["attention"], heads, inner)  # [T, D]
    x = layer_norm(a + x, **layer["sa_layer_norm"], epsilon=epsilon)  # [T, D]
    x = record("sa_layer_norm", x)
    f = feed_forward(x, layer["ffn"], activation, _within(record, "ffn"))  # [T, D]
    x = layer_norm(f + x, **layer["output_layer_norm"], epsilon=epsilon)  # [T, D]
    return record("output_layer_norm", x)


def token_logits(
    ids: NDArray[np.integer[Any]],
    model: Mapping[str, Any],
    heads: int,
    activation: str = "gelu",
    epsilon: float = 1e-12,
    record: Record = lambda name, array: array,
) -> Floats:
    """The whole model: wordpiece ids of one sequence, with special tokens, to logits.

    Args:
        ids: int `[T]`.
        model: nested parameters, from `nested(tensors)`.
        heads: H.
        activation: a key of ACTIVATIONS.
        epsilon: what every layer norm adds to the variance; `layer_norm_eps` in config.json.
        record: sees every intermediate under its name, and returns what goes on in its place.

    Returns:
        float32 `[T, C]`.
    """
    embeddings = model["embeddings"]
    words = embeddings["word_embeddings"]["weight"][ids]  # [T, D]
    positions = embeddings["position_embeddings"]["weight"][: len(ids)]  # [T, D]
    x = layer_norm(words + positions, **embeddings["LayerNorm"], epsilon=epsilon)  # [T, D]
    x = record("embeddings", x)
    layers = model["transformer"]["layer"]
    for i in range(len(layers)):
        within = _within(record, f"transformer.layer.{i}")
        x = block(x, layers[str(i)], heads, activation, epsilon, within)  # [T, D]
    return record("classifier", linear(x, **model["classifier"]))  # [T, C]


def nested(tensors: Mapping[str, Floats]) -> dict[str, Any]:
    """`{"a.b": x}` to `{"a": {"b": x}}`: the names of a checkpoint become its structure."""
    tree: dict[str, Any] = {}
    for name, tensor in tensors.items():
        *parents, leaf = name.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[leaf] = tensor
    return tree


def _within(record: Record, prefix: str) -> Record:
    return lambda name, array: record(f"{prefix}.{name}", array)
