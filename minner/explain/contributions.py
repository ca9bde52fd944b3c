"""What each part of the model wrote towards a tag.

A token's state is a sum that grows: the embeddings, then what each head and each feed-forward adds.
Layer norms stand between, and a norm is not linear: it divides by the deviation of its input. But
with that one number held fixed it is, and so is everything from a part's output to the logit. So a
logit, or the difference of two, is exactly the sum of one number for each part.

This is direct logit attribution (Elhage and others, 2021, "A Mathematical Framework for Transformer
Circuits") for post-norm layers. It says what a part wrote itself, not what later parts made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Contributions(NamedTuple):
    """What W tokens got along one direction each; over all parts, they add up to a logit.

    Attributes:
        words: `[W]`, from the word embedding.
        positions: `[W]`, from the position embedding.
        heads: `[W, L, H]`.
        feed_forwards: `[W, L]`, the bias of lin2 included.
        biases: `[W]`, from the biases of norms, of out_lin and of the classifier.
        sources: `[W, T]`, that of all heads together again, by the token they read.
    """

    words: Floats
    positions: Floats
    heads: Floats
    feed_forwards: Floats
    biases: Floats
    sources: Floats

    def total(self) -> Floats:
        """The sum of all parts, `[W]`."""
        whole: Floats = (
            self.words
            + self.positions
            + self.heads.sum(axis=(1, 2))
            + self.feed_forwards.sum(axis=1)
            + self.biases
        )
        return whole


def contributions(
    trace: Mapping[str, NDArray[Any]],
    model: Mapping[str, Any],
    epsilon: float,
    tokens: NDArray[np.intp],
    weights: NDArray[np.float32],
    biases: NDArray[np.float32],
) -> Contributions:
    """Split a linear function of the last layer's output into what each part wrote.

    Args:
        trace: every intermediate of a run, by name, as `Tagger.trace` gives.
        model: nested parameters, from `reference.nested`.
        epsilon: what the norms add to the variance.
        tokens: int `[W]`, the rows of the trace that are asked about.
        weights: `[W, D]`, the direction for each: the difference of two rows of the classifier
            for the margin between two tags.
        biases: `[W]`, what is added after it.
    """
    layers = model["transformer"]["layer"]
    head_count = len(trace["transformer.layer.0.attention.weights"]) if layers else 0
    heads = np.zeros((len(tokens), len(layers), head_count))
    feed_forwards = np.zeros((len(tokens), len(layers)))
    sources = np.zeros((len(tokens), len(trace["ids"])))
    walk = _Walk(trace, tokens, epsilon, weights.astype(np.float64), biases.astype(np.float64))
    for n in reversed(range(len(layers))):
        name, layer = f"transformer.layer.{n}", layers[str(n)]
        before = "embeddings" if n == 0 else f"transformer.layer.{n - 1}.output_layer_norm"
        feed_forwards[:, n] = walk.feed_forward(name, layer)
        read = walk.attention(name, layer, before)  # [W, H, T]
        heads[:, n], sources = read.sum(axis=2), sources + read.sum(axis=1)
    embeddings = model["embeddings"]
    word = embeddings["word_embeddings"]["weight"][trace["ids"][tokens]].astype(np.float64)
    position = embeddings["position_embeddings"]["weight"][tokens].astype(np.float64)
    walk.norm(embeddings["LayerNorm"], word + position)
    return Contributions(
        words=(walk.direction * word).sum(axis=1),
        positions=(walk.direction * position).sum(axis=1),
        heads=heads,
        feed_forwards=feed_forwards,
        biases=walk.constant,
        sources=sources,
    )


@dataclass
class _Walk:
    """A walk from the logits back to the embeddings, one part after the other.

    Where it stands, a state `x` has the effect `direction @ x + constant`, for each of W tokens.
    """

    trace: Mapping[str, NDArray[Any]]
    tokens: NDArray[np.intp]
    epsilon: float
    direction: Floats  # [W, D]
    constant: Floats  # [W]

    def feed_forward(self, name: str, layer: Mapping[str, Any]) -> Floats:
        """Go to before the feed-forward part of a layer; returns what that part wrote, `[W]`."""
        written = self._rows(f"{name}.ffn.lin2")
        self.norm(layer["output_layer_norm"], self._rows(f"{name}.sa_layer_norm") + written)
        total: Floats = (self.direction * written).sum(axis=1)
        return total

    def attention(self, name: str, layer: Mapping[str, Any], before: str) -> Floats:
        """Go to before a layer; returns what its heads brought from each token, `[W, H, T]`."""
        written, out_lin = self._rows(f"{name}.attention.out_lin"), layer["attention"]["out_lin"]
        self.norm(layer["sa_layer_norm"], self._rows(before) + written)
        self.constant = self.constant + self.direction @ out_lin["bias"]
        return _read(self.trace, name, self.direction @ out_lin["weight"], self.tokens)

    def norm(self, norm: Mapping[str, Any], given: Floats) -> None:
        """Go to before a norm that was given the rows `given`, `[W, D]`.

        `norm(y) = (y - mean(y)) * scale * weight + bias`, with `scale` held fixed.
        """
        self.constant = self.constant + self.direction @ norm["bias"]
        scale = 1 / np.sqrt(given.var(axis=1, keepdims=True) + self.epsilon)  # [W, 1]
        scaled = self.direction * norm["weight"] * scale
        self.direction = scaled - scaled.mean(axis=1, keepdims=True)

    def _rows(self, name: str) -> Floats:
        rows: Floats = self.trace[name][self.tokens].astype(np.float64)
        return rows


def _read(
    trace: Mapping[str, NDArray[Any]], layer: str, direction: Floats, tokens: NDArray[np.intp]
) -> Floats:
    """What each head brought from each token, `[W, H, T]`, along `direction` of its context."""
    probabilities = trace[f"{layer}.attention.weights"][:, tokens].astype(np.float64)  # [H, W, T]
    heads = len(probabilities)
    values = trace[f"{layer}.attention.v_lin"].astype(np.float64)  # [T, D]
    values = values.reshape(len(values), heads, -1)  # [T, H, d]
    wanted = direction.reshape(len(direction), heads, -1)  # [W, H, d]
    worth = np.einsum("whd,thd->wht", wanted, values)
    read: Floats = probabilities.swapaxes(0, 1) * worth
    return read
