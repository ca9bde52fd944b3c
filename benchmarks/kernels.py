"""Every kernel on its scratch, on one thread, with pytest-benchmark; sizes of DistilBERT-base.

    pytest benchmarks/kernels.py -k "lin1 and int8"

The kernels are called as their tests call them. Weights that are used again at once are read from
a near cache here, but from memory in a model: products of few rows look better than they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lone_kernels as lone  # the tests' folder is on pytest's path
import reference_kernels
from minner.kernels.precision import PRECISIONS, Precision, attention_precision
from minner.kernels.runtime.layout import Linear

D, F, HEADS, V = 768, 3072, 12, 28996

every_precision = pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)


def normal(*shape: int) -> NDArray[np.float32]:
    """Seeded random numbers."""
    return lone.normal(0, *shape)


def layer(precision: Precision, width: int, depth: int) -> Linear:
    """A random linear layer from `depth` to `width` features."""
    weight = normal(width, depth) * np.float32(depth**-0.5)
    return lone.layer_of(precision.layout, weight, normal(width))


def measure(benchmark: Any, operations: int, kernel: Callable[..., None], *arguments: Any) -> None:
    """Time a kernel; the rate, in 1e9 operations a second, goes into the extra information."""
    fresh, team = lone.alone(), lone.alone()

    def call() -> None:
        team.state[:] = fresh.state  # ready for a kernel; takes half a microsecond
        kernel(team, *arguments)

    benchmark(call)
    if benchmark.stats:  # None with --benchmark-disable
        rate = operations / benchmark.stats.stats.median / 1e9
        benchmark.extra_info["1e9 operations/s"] = round(rate, 1)


@every_precision
@pytest.mark.parametrize("rows", [1, 16, 128, 384])
def test_qkv(benchmark: Any, precision: Precision, rows: int) -> None:
    """Queries, keys and values in one product."""
    x = lone.x_of(precision, normal(rows, D))
    out = lone.empty_qkv(attention_precision(precision), HEADS, rows, D // HEADS)
    kernel, operations = lone.linear_layer(precision.name), 2 * rows * D * 3 * D
    weight = layer(precision, 3 * D, D)
    measure(benchmark, operations, kernel, x, weight, lone.accumulator(), out)


@every_precision
@pytest.mark.parametrize("rows", [1, 16, 128, 384])
def test_lin1(benchmark: Any, precision: Precision, rows: int) -> None:
    """The widening product of the feed-forward part, and GELU."""
    x, out = lone.x_of(precision, normal(rows, D)), lone.empty_product_input(precision, rows, F)
    kernel, operations = lone.linear_gelu(precision.name), 2 * rows * D * F
    measure(benchmark, operations, kernel, x, layer(precision, F, D), lone.accumulator(), out)


@every_precision
@pytest.mark.parametrize("rows", [1, 16, 128, 384])
def test_lin2(benchmark: Any, precision: Precision, rows: int) -> None:
    """The narrowing product of the feed-forward part, and the residual."""
    x, (added, out) = lone.x_of(precision, normal(rows, F)), normal(2, rows, D)
    kernel, operations = lone.linear_residual(precision.name), 2 * rows * F * D
    weight = layer(precision, D, F)
    measure(benchmark, operations, kernel, x, weight, added, lone.accumulator(), out)


@pytest.mark.parametrize("rows", [16, 128])
def test_quantise(benchmark: Any, rows: int) -> None:
    """What GELU gave, to int8; about four operations for each number."""
    precision = PRECISIONS["int8"]
    source, x = precision.unquantised, lone.empty_x(precision.layout, rows, F)
    unquantised = lone.empty_row_major(source, rows, F)
    reference_kernels.row_major(source)(unquantised, normal(rows, F))
    measure(benchmark, 4 * rows * F, lone.quantise("int8"), unquantised, x)


@every_precision
@pytest.mark.parametrize("rows", [16, 128])
def test_layer_norm(benchmark: Any, precision: Precision, rows: int) -> None:
    """A norm over D; about eight operations for each number."""
    hidden, x = normal(rows, D), lone.empty_x(precision.layout, rows, D)
    norm = lone.norm_of(*normal(2, D))
    measure(benchmark, 8 * rows * D, lone.layer_norm(precision.name), hidden, norm, D, x)


@every_precision
@pytest.mark.parametrize("lengths", [[16], [128], [384], [128] * 8], ids=str)
def test_attention(benchmark: Any, precision: Precision, lengths: list[int]) -> None:
    """Scores, softmax and context of all heads; only the products' operations are counted."""
    tokens, width, inner = sum(lengths), D // HEADS, attention_precision(precision)
    values, qkv = normal(tokens, 3 * D), lone.empty_qkv(inner, HEADS, tokens, width)
    values[:, :D] *= width**-0.5
    reference_kernels.in_heads(inner)(qkv, values)
    bounds = np.cumsum([0, *lengths]).astype(np.int32)
    scratch = lone.thread_scratch(max(lengths), width)
    context = lone.empty_product_input(precision, tokens, D)
    operations = sum(4 * length * length * D for length in lengths)
    kernel = lone.attention(precision.name)
    measure(benchmark, operations, kernel, qkv, bounds, HEADS, width, scratch, context)


@every_precision
@pytest.mark.parametrize("rows", [16, 128])
def test_embed(benchmark: Any, precision: Precision, rows: int) -> None:
    """Two rows added and normalised; about nine operations for each number."""
    ids = np.random.default_rng(0).integers(0, V, rows).astype(np.int32)
    positions = np.arange(rows, dtype=np.int32)
    words, places, norm = normal(V, D), normal(512, D), lone.norm_of(*normal(2, D))
    hidden, x = lone.nans(rows, D), lone.empty_x(precision.layout, rows, D)
    kernel = lone.embed(precision.name)
    measure(benchmark, 9 * rows * D, kernel, ids, positions, words, places, norm, D, hidden, x)
