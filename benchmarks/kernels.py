"""Every kernel on its own, on one thread, with pytest-benchmark; sizes of DistilBERT-base.

    pytest benchmarks/kernels.py

The kernels are called as their tests call them. Weights that are used again at once are read from
a near cache here, but from memory in a model: products of few rows look better than they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from minner.kernels.layout import padded
from minner.kernels.target import BLOCK, ROWS
from test_kernels import (  # the tests' folder is on pytest's path
    accumulator,
    alone,
    run_attention,
    run_embed,
    run_layer_norm,
    run_linear,
    run_linear_gelu,
    run_linear_residual,
)

Floats = NDArray[np.float32]

D, F, HEADS, V = 768, 3072, 12, 28996


def normal(*shape: int) -> Floats:
    """Seeded random numbers."""
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def packed_weight(width: int, depth: int) -> Floats:
    """A random weight in panels, as `minner.weights.pack` lays it out."""
    return normal(padded(width) // BLOCK, depth, BLOCK) * np.float32(depth**-0.5)


def measure(benchmark: Any, flops: int, kernel: Callable[..., None], *arguments: Any) -> None:
    """Time a kernel; the rate goes into the report's extra information."""
    fresh, team = alone(), alone()

    def call() -> None:
        team[:] = fresh  # ready for a kernel; takes half a microsecond
        kernel(team, *arguments)

    benchmark(call)
    if benchmark.stats:  # None with --benchmark-disable
        benchmark.extra_info["GFLOP/s"] = round(flops / benchmark.stats.stats.median / 1e9, 1)


@pytest.mark.parametrize("rows", [1, 16, 128, 384])
def test_qkv(benchmark: Any, rows: int) -> None:
    """Queries, keys and values in one product."""
    x, weight, bias = normal(rows, D), packed_weight(3 * D, D), normal(3 * D)
    out = np.empty((rows, 3 * D), dtype=np.float32)
    measure(benchmark, 2 * rows * D * 3 * D, run_linear, x, D, weight, bias, accumulator(), out)


@pytest.mark.parametrize("rows", [1, 16, 128, 384])
def test_lin1(benchmark: Any, rows: int) -> None:
    """The widening product of the feed-forward part, and GELU."""
    x, weight, bias = normal(rows, D), packed_weight(F, D), normal(F)
    out = np.empty((rows, F), dtype=np.float32)
    measure(benchmark, 2 * rows * D * F, run_linear_gelu, x, D, weight, bias, accumulator(), out)


@pytest.mark.parametrize("rows", [1, 16, 128, 384])
def test_lin2(benchmark: Any, rows: int) -> None:
    """The narrowing product of the feed-forward part, and the residual."""
    x, weight, bias = normal(rows, F), packed_weight(D, F), normal(D)
    added, out = normal(2, rows, D)
    flops, acc = 2 * rows * F * D, accumulator()
    measure(benchmark, flops, run_linear_residual, x, F, weight, bias, added, acc, out)


@pytest.mark.parametrize("rows", [16, 128])
def test_layer_norm(benchmark: Any, rows: int) -> None:
    """A norm over D; about eight operations for each number."""
    (x, out), (weight, bias) = normal(2, rows, D), normal(2, D)
    measure(benchmark, 8 * rows * D, run_layer_norm, x, weight, bias, D, out)


@pytest.mark.parametrize("lengths", [[16], [128], [384], [128] * 8], ids=str)
def test_attention(benchmark: Any, lengths: list[int]) -> None:
    """Scores, softmax and context of all heads; only the products' operations are counted."""
    tokens, longest = sum(lengths), padded(max(lengths))
    qkv, context = normal(tokens, 3 * D), np.empty((tokens, D), dtype=np.float32)
    qkv[:, :D] *= (D // HEADS) ** -0.5
    bounds = np.cumsum([0, *lengths]).astype(np.int32)
    keys, values = normal(2, 1, longest * (D // HEADS))
    scores = normal(1, ROWS, longest)
    flops = sum(4 * length * length * D for length in lengths)

    def kernel(team: Any, *arguments: Any) -> None:
        run_attention(team, 0, *arguments)

    measure(benchmark, flops, kernel, qkv, bounds, HEADS, keys, values, scores, context)


@pytest.mark.parametrize("rows", [16, 128])
def test_embed(benchmark: Any, rows: int) -> None:
    """Two rows added and normalised; about nine operations for each number."""
    ids = np.random.default_rng(0).integers(0, V, rows).astype(np.int32)
    positions = np.arange(rows, dtype=np.int32)
    words, places, (weight, bias) = normal(V, D), normal(512, D), normal(2, D)
    out = np.empty((rows, D), dtype=np.float32)
    measure(benchmark, 9 * rows * D, run_embed, ids, positions, words, places, weight, bias, D, out)
