"""Every fast kernel against its plain float64 twin, over awkward sizes."""

import numpy as np
import pytest
from numba import njit

from minner import reference
from minner.kernels import plain
from minner.kernels.attention import attention
from minner.kernels.functions import ACTIVATIONS
from minner.kernels.layout import padded, team_state
from minner.kernels.norm import embed, layer_norm
from minner.kernels.product import linear_kernel
from minner.kernels.target import BLOCK, GROUP, ROWS
from minner.weights.pack import fill_panels

_linear = linear_kernel()
_linear_gelu = linear_kernel(ACTIVATIONS["gelu"])
_linear_residual = linear_kernel(residual=True)


@njit
def run_linear(team, x, depth, weight, bias, acc, out):
    _linear(team, x, depth, weight, bias, acc, out)


@njit
def run_linear_gelu(team, x, depth, weight, bias, acc, out):
    _linear_gelu(team, x, depth, weight, bias, acc, out)


@njit
def run_linear_residual(team, x, depth, weight, bias, residual, acc, out):
    _linear_residual(team, x, depth, weight, bias, residual, acc, out)


@njit
def run_layer_norm(team, x, weight, bias, width, out):
    layer_norm(team, x, weight, bias, width, out)


@njit
def run_embed(team, ids, positions, words, places, weight, bias, width, out):
    embed(team, ids, positions, words, places, weight, bias, width, out)


@njit
def run_attention(team, rank, qkv, bounds, heads, keys, values, scores, context):
    attention(team, rank, qkv, bounds, heads, keys, values, scores, context)


def alone():
    """The shared state of a team of one, as it is before a kernel."""
    return team_state(1)


def accumulator():
    """Scratch of a linear layer, full of what must not matter."""
    return np.full((GROUP, BLOCK), np.nan, dtype=np.float32)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def padded_rows(values, fill=0.0):
    """Values `[T, N]` with their columns padded to BLOCK."""
    out = np.full((len(values), padded(values.shape[1])), fill, dtype=np.float32)
    out[:, : values.shape[1]] = values
    return out


def panels(weight):
    view = np.zeros((padded(len(weight)) // BLOCK, weight.shape[1], BLOCK), dtype=np.float32)
    fill_panels(view, weight)
    return view


# ---- linear -----------------------------------------------------------------------------------

ROW_COUNTS = [1, 2, 3, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS + 5, 37, GROUP + 1]


@pytest.mark.parametrize("rows", ROW_COUNTS)
@pytest.mark.parametrize(("depth", "width"), [(1, 1), (7, BLOCK - 1), (37, BLOCK), (64, 97)])
def test_linear_equals_its_twin(rows, depth, width):
    # Beyond `depth` x holds NaN: it must not be read.
    x = padded_rows(normal(0, rows, depth), fill=np.nan)
    weight, bias = panels(normal(1, width, depth)), padded_rows(normal(2, 1, width))[0]
    fast, slow = np.full((2, rows, padded(width)), np.nan, dtype=np.float32)
    run_linear(alone(), x, depth, weight, bias, accumulator(), fast)
    plain.linear_kernel()(None, x, depth, weight, bias, None, slow)
    np.testing.assert_allclose(fast, slow, rtol=1e-5, atol=2e-6 * depth**0.5)
    assert not fast[:, width:].any(), "padding must stay 0"


@pytest.mark.parametrize("rows", ROW_COUNTS)
def test_linear_with_gelu_or_residual_equals_its_twin(rows):
    x, weight = normal(0, rows, 64), panels(normal(1, 70, 64) / 8)
    bias, residual = padded_rows(normal(2, 1, 70))[0], padded_rows(normal(3, rows, 70))
    fast, slow = np.full((2, rows, padded(70)), np.nan, dtype=np.float32)
    run_linear_gelu(alone(), x, 64, weight, bias, accumulator(), fast)
    plain.linear_kernel(reference.ACTIVATIONS["gelu"])(None, x, 64, weight, bias, None, slow)
    np.testing.assert_allclose(fast, slow, atol=2e-6)
    run_linear_residual(alone(), x, 64, weight, bias, residual, accumulator(), fast)
    plain.linear_kernel(residual=True)(None, x, 64, weight, bias, residual, None, slow)
    np.testing.assert_allclose(fast, slow, atol=3e-6)


def test_a_row_has_the_same_bits_in_every_tile():
    x, weight, bias = (
        normal(0, 2 * GROUP, 129),
        panels(normal(1, BLOCK, 129)),
        np.ones(BLOCK, np.float32),
    )
    whole = np.empty((2 * GROUP, BLOCK), dtype=np.float32)
    run_linear(alone(), x, 129, weight, bias, accumulator(), whole)
    for rows in ROW_COUNTS:
        part = np.empty((rows, BLOCK), dtype=np.float32)
        run_linear(alone(), x[:rows].copy(), 129, weight, bias, accumulator(), part)
        np.testing.assert_array_equal(part, whole[:rows])


# ---- norms ------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 2, 37, BLOCK, BLOCK + 1, 384])
def test_layer_norm_equals_its_twin(width):
    x = padded_rows(normal(0, 5, width) * 3 + 2)
    weight, bias = padded_rows(normal(1, 2, width))
    fast, slow = np.full((2, 5, padded(width)), np.nan, dtype=np.float32)
    run_layer_norm(alone(), x, weight, bias, width, fast)
    plain.layer_norm(None, x, weight, bias, width, slow)
    np.testing.assert_allclose(fast, slow, atol=4e-6)


def test_layer_norm_keeps_its_precision_far_from_zero():
    # A one-pass variance E[x^2] - E[x]^2 would lose every digit here.
    x = padded_rows(normal(0, 3, 100) * 0.01 + 1000)
    weight, bias = padded_rows(np.stack([np.ones(100), np.zeros(100)]))
    fast, slow = np.empty((2, 3, padded(100)), dtype=np.float32)
    run_layer_norm(alone(), x, weight, bias, 100, fast)
    plain.layer_norm(None, x, weight, bias, 100, slow)
    np.testing.assert_allclose(fast, slow, atol=5e-3)


def test_layer_norm_of_a_constant_row_is_its_bias():
    x = padded_rows(np.full((1, 50), 3.25, dtype=np.float32))
    weight, bias = padded_rows(normal(1, 2, 50))
    out = np.empty_like(x)
    run_layer_norm(alone(), x, weight, bias, 50, out)
    np.testing.assert_array_equal(out[0], bias)


@pytest.mark.parametrize("lengths", [[1], [3, 1, 5], [17]])
def test_embed_equals_its_twin(lengths):
    width, tokens = 40, sum(lengths)
    ids = np.random.default_rng(0).integers(0, 11, tokens).astype(np.int32)
    positions = np.concatenate([np.arange(length) for length in lengths]).astype(np.int32)
    words, places = padded_rows(normal(1, 11, width)), padded_rows(normal(2, 17, width))
    weight, bias = padded_rows(normal(3, 2, width))
    fast, slow = np.full((2, tokens, padded(width)), np.nan, dtype=np.float32)
    run_embed(alone(), ids, positions, words, places, weight, bias, width, fast)
    plain.embed(None, ids, positions, words, places, weight, bias, width, slow)
    np.testing.assert_allclose(fast, slow, atol=4e-6)


# ---- attention --------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [[1], [2], [BLOCK + 1], [5, 1, ROWS, 2 * BLOCK], [131, 3]])
@pytest.mark.parametrize(("heads", "width"), [(1, BLOCK), (3, BLOCK), (2, 2 * BLOCK)])
def test_attention_equals_its_twin(lengths, heads, width):
    tokens, longest = sum(lengths), max(lengths)
    qkv = normal(0, tokens, 3 * heads * width)
    qkv[:, : heads * width] *= width**-0.5  # as the packer scales q
    bounds = np.cumsum([0, *lengths]).astype(np.int32)
    # The scratch starts as NaN: what a sequence does not fill it must not read.
    keys = np.full((1, padded(longest) * width), np.nan, dtype=np.float32)
    scores = np.full((1, ROWS, padded(longest)), np.nan, dtype=np.float32)
    fast, slow = np.full((2, tokens, heads * width), np.nan, dtype=np.float32)
    run_attention(alone(), 0, qkv, bounds, heads, keys, keys.copy(), scores, fast)
    plain.attention(None, 0, qkv, bounds, heads, keys, keys, scores, slow)
    np.testing.assert_allclose(fast, slow, atol=5e-6)


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_attention_survives_extreme_scores(size):
    qkv = np.zeros((3, 3 * BLOCK), dtype=np.float32)
    qkv[:, 0] = 1
    qkv[:, BLOCK] = [size, size * 2, size * 2]
    qkv[:, 2 * BLOCK :] = normal(0, 3, BLOCK)
    keys = np.empty((1, BLOCK * BLOCK), dtype=np.float32)
    scores = np.empty((1, ROWS, BLOCK), dtype=np.float32)
    fast, slow = np.empty((2, 3, BLOCK), dtype=np.float32)
    bounds = np.array([0, 3], dtype=np.int32)
    run_attention(alone(), 0, qkv, bounds, 1, keys, keys.copy(), scores, fast)
    plain.attention(None, 0, qkv, bounds, 1, keys, keys, scores, slow)
    np.testing.assert_allclose(fast, slow, atol=1e-6)
