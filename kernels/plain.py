"""The plain twins: every kernel of this package again, in NumPy, with the same arguments.

Slow, short and in float64: what the fast kernels are tested against, and the place to look up
what one of them does.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
EPSILON = 1e-12


def linear_kernel(
    activation: Callable[[Array], Array] = lambda x: x, residual: bool = False
) -> Callable[..., None]:
    """Twin of `product.linear_kernel`; `activation` works on float64 arrays."""

    def linear(
        _team: Any,
        x: Array,
        depth: int,
        weight: Array,
        bias: Array,
        _accumulator: Array,
        out: Array,
    ) -> None:
        matrix = weight.transpose(0, 2, 1).reshape(-1, depth).astype(np.float64)  # [N, K]
        out[:] = activation(x[:, :depth] @ matrix.T + bias)

    def linear_residual(
        team: Any,
        x: Array,
        depth: int,
        weight: Array,
        bias: Array,
        residual: Array,
        accumulator: Array,
        out: Array,
    ) -> None:
        added = residual.astype(np.float64)
        total = np.empty(out.shape)
        linear(team, x, depth, weight, bias, accumulator, total)
        out[:] = total + added

    return linear_residual if residual else linear


def layer_norm(_team: Any, x: Array, weight: Array, bias: Array, width: int, out: Array) -> None:
    """Twin of `norm.layer_norm`."""
    exact = x[:, :width].astype(np.float64)
    difference = exact - exact.mean(axis=1, keepdims=True)
    normal = difference / np.sqrt(exact.var(axis=1, keepdims=True) + EPSILON)
    out[:, :width] = normal * weight[:width] + bias[:width]
    out[:, width:] = 0


def embed(
    team: Any,
    ids: Array,
    positions: Array,
    words: Array,
    places: Array,
    weight: Array,
    bias: Array,
    width: int,
    out: Array,
) -> None:
    """Twin of `norm.embed`."""
    layer_norm(team, words[ids] + places[positions], weight, bias, width, out)


def attention(
    _team: Any,
    _rank: int,
    qkv: Array,
    bounds: Array,
    heads: int,
    _keys: Array,
    _values: Array,
    _scores: Array,
    context: Array,
) -> None:
    """Twin of `attention.attention`; needs no scratch."""
    width = context.shape[1] // heads
    for first, last in pairwise(bounds):
        own = qkv[first:last].astype(np.float64).reshape(last - first, 3, heads, width)
        for head in range(heads):
            q, k, v = own[:, 0, head], own[:, 1, head], own[:, 2, head]
            scores = q @ k.T
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            weights /= weights.sum(axis=1, keepdims=True)
            context[first:last, head * width : (head + 1) * width] = weights @ v
