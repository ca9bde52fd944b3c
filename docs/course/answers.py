"""Right answers to the exercises, and those of usual mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tokenizers.models import WordPiece

from minner import reference
from minner.decoding.chunks import conlleval_chunks, split_tag


def record(name: str, array: Any) -> Any:
    """What `reference.py` calls with every intermediate: here nobody looks."""
    return array


# ---- wordpieces ----------------------------------------------------------------------------------


def wordpieces(word: str, vocabulary: dict[str, int]) -> list[str]:
    """By the library that serves."""
    parts = WordPiece(vocabulary, unk_token="[UNK]").tokenize(word)
    return [str(part.value) for part in parts]


def cut(word: str, vocabulary: dict[str, int], mark: str = "##", shortest: bool = False) -> Any:
    """Wordpieces that keep what was cut before `[UNK]`; `mark` and `shortest` add a mistake."""
    parts, start = [], 0
    while start < len(word):
        ends = range(start + 1, len(word) + 1)
        found = [(mark if start else "") + word[start:end] for end in ends]
        known = [part for part in found if part in vocabulary]
        if not known:
            return [*parts, "[UNK]"]
        parts.append(known[0] if shortest else known[-1])
        start += len(parts[-1]) - (len(mark) if start else 0)
    return parts


# ---- operators -----------------------------------------------------------------------------------


def embeddings(ids: Any, words: Any, positions: Any) -> Any:
    """The sum of both embeddings."""
    return words[ids] + positions[: len(ids)]


def layer_norm(
    x: Any, weight: Any, bias: Any, epsilon: float, axis: int = -1, less: int = 0
) -> Any:
    """Right but for the axis, or for what is taken from D."""
    mean, variance = x.mean(axis, keepdims=True), x.var(axis, keepdims=True, ddof=less)
    return (x - mean) / np.sqrt(variance + epsilon) * weight + bias


def attention(
    x: Any,
    layer: Any,
    heads: int,
    scale: bool = True,
    width: int | None = None,
    axis: int = -1,
    joined: bool = True,
    split: Callable[..., Any] = reference.split_heads,
    safe: bool = True,
    out: bool = True,
) -> Any:
    """Right, but for the mistake that an argument asks for."""
    q, k, v = (split(reference.linear(x, **layer[f"{one}_lin"]), heads) for one in "qkv")
    scores = q @ k.swapaxes(1, 2) * np.float32((width or q.shape[-1]) ** -0.5 if scale else 1)
    weights = np.exp(scores - scores.max(axis, keepdims=True) if safe else scores)
    weights = weights / weights.sum(axis, keepdims=True)
    context = weights @ v
    context = (context.swapaxes(0, 1) if joined else context).reshape(x.shape)
    return reference.linear(context, **layer["out_lin"]) if out else context


def turned(layer: Any) -> Any:
    """Linear layers whose weights are the other way round."""
    return {name: {**part, "weight": part["weight"].T} for name, part in layer.items()}


def unbiased(layer: Any) -> Any:
    """Linear layers without biases."""
    return {name: {**part, "bias": 0 * part["bias"]} for name, part in layer.items()}


def feed_forward(x: Any, layer: Any, activation: str = "gelu") -> Any:
    """Right with GELU."""
    return reference.feed_forward(x, layer, activation, record)


def without_activation(x: Any, layer: Any) -> Any:
    """Two linear layers, one after the other."""
    return reference.linear(reference.linear(x, **layer["lin1"]), **layer["lin2"])


def block(x: Any, layer: Any, heads: int, epsilon: float) -> Any:
    """One layer."""
    return reference.block(x, layer, heads, "gelu", epsilon, record)


def mistaken_block(x: Any, layer: Any, heads: int, epsilon: float, keep: str = "") -> Any:
    """`keep` says what is added to the two results: the right `x`, the first one, or nothing."""
    first = x
    a = attention(x, layer["attention"], heads)
    x = reference.layer_norm(a + first if keep else a, **layer["sa_layer_norm"], epsilon=epsilon)
    f = feed_forward(x, layer["ffn"])
    f = f + first if keep == "first" else f
    return reference.layer_norm(f, **layer["output_layer_norm"], epsilon=epsilon)


def tag_head(x: Any, classifier: Any) -> Any:
    """Logits."""
    return reference.linear(x, **classifier)


# ---- decoding ------------------------------------------------------------------------------------


def decode(tags: list[str]) -> list[tuple[str, int, int]]:
    """Chunks by the rule of conlleval."""
    return [tuple(chunk) for chunk in conlleval_chunks(tags)]  # type: ignore[misc]


def decode_wrongly(tags: list[str], mistake: str) -> list[tuple[str, int, int]]:
    """The rule with a mistake: `stray`, `across`, `touching` or `type`, as the exercise tells."""
    chunks: list[tuple[str, int, int]] = []
    before = ("O", "")
    for word, tag in enumerate(tags):
        prefix, label = split_tag(tag)
        if label:
            same = before[1] == label or (mistake == "type" and before[1])
            if not same or (prefix == "B" and mistake != "touching"):
                if prefix == "B" or mistake != "stray":
                    chunks.append((label, word, word))
                else:
                    label = ""
            else:
                chunks[-1] = (chunks[-1][0], chunks[-1][1], word)
        if label or mistake != "across":
            before = (prefix, label)
    return chunks
