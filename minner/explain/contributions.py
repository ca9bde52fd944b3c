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
    direction = weights.astype(np.float64)
    constant = biases.astype(np.float64)
    shape = trace["transformer.layer.0.attention.weights"].shape if layers else (0, 0, 0)
    count, length = len(tokens), len(trace["ids"])
    heads = np.zeros((count, len(layers), shape[0]))
    feed_forwards = np.zeros((count, len(layers)))
    sources = np.zeros((count, length))
    for n in reversed(range(len(layers))):
        name, layer = f"transformer.layer.{n}", layers[str(n)]
        before = trace["embeddings" if n == 0 else f"transformer.layer.{n - 1}.output_layer_norm"]
        attended = _rows(trace[f"{name}.sa_layer_norm"], tokens)
        widened = _rows(trace[f"{name}.ffn.lin2"], tokens)
        constant += direction @ layer["output_layer_norm"]["bias"]
        direction = _through_norm(
            direction, layer["output_layer_norm"], attended + widened, epsilon
        )
        feed_forwards[:, n] = (direction * widened).sum(axis=1)

        written = _rows(trace[f"{name}.attention.out_lin"], tokens)
        constant += direction @ layer["sa_layer_norm"]["bias"]
        direction = _through_norm(
            direction, layer["sa_layer_norm"], _rows(before, tokens) + written, epsilon
        )
        constant += direction @ layer["attention"]["out_lin"]["bias"]
        read = _read(trace, name, direction @ layer["attention"]["out_lin"]["weight"], tokens)
        heads[:, n] = read.sum(axis=2)
        sources += read.sum(axis=1)
    embeddings = model["embeddings"]
    ids = trace["ids"][tokens]
    word = embeddings["word_embeddings"]["weight"][ids].astype(np.float64)
    position = embeddings["position_embeddings"]["weight"][tokens].astype(np.float64)
    constant += direction @ embeddings["LayerNorm"]["bias"]
    direction = _through_norm(direction, embeddings["LayerNorm"], word + position, epsilon)
    return Contributions(
        words=(direction * word).sum(axis=1),
        positions=(direction * position).sum(axis=1),
        heads=heads,
        feed_forwards=feed_forwards,
        biases=constant,
        sources=sources,
    )


def _rows(array: NDArray[Any], tokens: NDArray[np.intp]) -> Floats:
    rows: Floats = array[tokens].astype(np.float64)
    return rows


def _through_norm(
    direction: Floats, norm: Mapping[str, Any], given: Floats, epsilon: float
) -> Floats:
    """The direction before a norm that has the same effect as `direction` after it, `[W, D]`.

    `norm(y) = (y - mean(y)) * scale * weight + bias`, with `scale` held fixed.
    """
    scale = 1 / np.sqrt(given.var(axis=1, keepdims=True) + epsilon)  # [W, 1]
    scaled = direction * norm["weight"] * scale
    centred: Floats = scaled - scaled.mean(axis=1, keepdims=True)
    return centred


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
