"""How a model lies in memory: one block of weights, one block of scratch, and views into them.

The packer fills the views from Python and the compiled forward pass reads them: both get them
from the same functions here. Matrices are panels `[N / BLOCK, K, BLOCK]` (see `product.py`),
with all layers stacked in front. Every feature dimension is padded to BLOCK with zeros, so no
kernel needs a tail. (Plain Python here; `forward.py` has Numba compile the same functions.)
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.kernels.target import BLOCK, GROUP, ROWS

Floats = Any  # float32 arrays, in Python and in compiled code


class Call(NamedTuple):
    """What a forward pass works on: int64 values in this order, some of them addresses.

    After them follow the seven fields of Shape.
    """

    words: int  # float32 [V, D]
    weights: int  # float32, divided by weight_views
    scratch: int  # float32, divided by buffer_views
    ids: int  # int32 [T]
    positions: int  # int32 [T], each token's place in its sequence
    bounds: int  # int32 [S + 1], where each sequence starts, and T
    logits: int  # float32 [T, C], padded
    tokens: int  # T
    sequences: int  # S
    longest: int  # tokens of the longest sequence
    team: int = 0  # int64, the state that its threads share


# ---- the state that a thread team shares: fields of LINE int64 each (see team.py) -------------

LINE = 16
"""int64 per field: 128 bytes, because processors fetch cache lines in pairs."""

WORKERS = 0  # threads of the team
TICKET = 1  # passes called so far
STOP = 2  # 1: helpers return
ARRIVED = 3  # threads at the barrier
GENERATION = 4  # barriers passed so far
NEXT = 5  # next item of the current kernel
LAPS = 6  # where time stamps go (see laps.py), or 0
LAP = 7  # time stamps of this pass so far
PARKED = 8  # + 3 rank: 1 while that helper sleeps or is about to
SEEN = 9  # + 3 rank: passes that helper has taken part in
WAKE = 10  # + 3 rank: the pipe that wakes it


def team_state(workers: int) -> NDArray[np.int64]:
    """The shared state of a team that has not run yet: int64, each field on its own lines."""
    count = (PARKED + 3 * workers) * LINE
    raw = np.zeros(count + LINE, dtype=np.int64)
    start = -raw.ctypes.data // 8 % LINE
    state = raw[start : start + count]
    state[WORKERS * LINE] = workers
    return state


# ---- the model ----------------------------------------------------------------------------------


class Shape(NamedTuple):
    """The sizes of a model, in checkpoint terms (unpadded)."""

    vocabulary: int
    positions: int
    layers: int
    heads: int
    dim: int
    hidden_dim: int
    classes: int


class Weights(NamedTuple):
    """Kernel-ready weights; `L` layers stacked, `A` = heads times padded head width."""

    positions: Floats  # [P, D]
    embed_norm_weight: Floats  # [D]
    embed_norm_bias: Floats  # [D]
    qkv_weight: Floats  # [L, 3A / BLOCK, D, BLOCK]
    qkv_bias: Floats  # [L, 3A]
    out_lin_weight: Floats  # [L, D / BLOCK, A, BLOCK]
    out_lin_bias: Floats  # [L, D]
    sa_norm_weight: Floats  # [L, D]
    sa_norm_bias: Floats  # [L, D]
    lin1_weight: Floats  # [L, F / BLOCK, D, BLOCK]
    lin1_bias: Floats  # [L, F]
    lin2_weight: Floats  # [L, D / BLOCK, F, BLOCK]
    lin2_bias: Floats  # [L, D]
    output_norm_weight: Floats  # [L, D]
    output_norm_bias: Floats  # [L, D]
    classifier_weight: Floats  # [C / BLOCK, D, BLOCK]
    classifier_bias: Floats  # [C]


class Buffers(NamedTuple):
    """Scratch of one forward pass over `T` packed tokens, the longest sequence `N` of them."""

    hidden: Floats  # [T, D]
    qkv: Floats  # [T, 3A]
    accumulator: Floats  # [workers, GROUP, BLOCK], the sums of one weight panel
    keys: Floats  # [workers, N * head width], one head's keys
    values: Floats  # [workers, N * head width], one head's values
    scores: Floats  # [workers, ROWS, N]
    context: Floats  # [T, A]
    sum: Floats  # [T, D]
    ffn: Floats  # [T, F]


def padded(width: int) -> int:
    """Round up to a multiple of BLOCK."""
    return (width + BLOCK - 1) // BLOCK * BLOCK


def attention_width(shape: Shape) -> int:
    """`A`: the width of all heads side by side, each padded to BLOCK."""
    return shape.heads * padded(shape.dim // shape.heads)


def cut(memory: Floats, start: int, shape: tuple[int, ...]) -> tuple[Floats, int]:
    """View the next elements of `memory` as an array; also returns where they end."""
    end = start + math.prod(shape)
    return memory[start:end].reshape(shape), end


def weight_views(memory: Floats, shape: Shape) -> tuple[Weights, int]:
    """Divide a float32 block into weights; also returns how many elements they take."""
    layers, dim, hidden_dim = shape.layers, padded(shape.dim), padded(shape.hidden_dim)
    wide, classes = attention_width(shape), padded(shape.classes)
    positions, at = cut(memory, 0, (shape.positions, dim))
    embed_norm_weight, at = cut(memory, at, (dim,))
    embed_norm_bias, at = cut(memory, at, (dim,))
    qkv_weight, at = cut(memory, at, (layers, 3 * wide // BLOCK, shape.dim, BLOCK))
    qkv_bias, at = cut(memory, at, (layers, 3 * wide))
    out_lin_weight, at = cut(memory, at, (layers, dim // BLOCK, wide, BLOCK))
    out_lin_bias, at = cut(memory, at, (layers, dim))
    sa_norm_weight, at = cut(memory, at, (layers, dim))
    sa_norm_bias, at = cut(memory, at, (layers, dim))
    lin1_weight, at = cut(memory, at, (layers, hidden_dim // BLOCK, shape.dim, BLOCK))
    lin1_bias, at = cut(memory, at, (layers, hidden_dim))
    lin2_weight, at = cut(memory, at, (layers, dim // BLOCK, shape.hidden_dim, BLOCK))
    lin2_bias, at = cut(memory, at, (layers, dim))
    output_norm_weight, at = cut(memory, at, (layers, dim))
    output_norm_bias, at = cut(memory, at, (layers, dim))
    classifier_weight, at = cut(memory, at, (classes // BLOCK, shape.dim, BLOCK))
    classifier_bias, at = cut(memory, at, (classes,))
    return Weights(
        positions,
        embed_norm_weight,
        embed_norm_bias,
        qkv_weight,
        qkv_bias,
        out_lin_weight,
        out_lin_bias,
        sa_norm_weight,
        sa_norm_bias,
        lin1_weight,
        lin1_bias,
        lin2_weight,
        lin2_bias,
        output_norm_weight,
        output_norm_bias,
        classifier_weight,
        classifier_bias,
    ), at


def buffer_views(
    memory: Floats, shape: Shape, tokens: int, longest: int, workers: int
) -> tuple[Buffers, int]:
    """Divide a float32 block into scratch; also returns how many elements it takes."""
    dim, hidden_dim = padded(shape.dim), padded(shape.hidden_dim)
    wide, keys = attention_width(shape), padded(longest)
    hidden, at = cut(memory, 0, (tokens, dim))
    qkv, at = cut(memory, at, (tokens, 3 * wide))
    accumulator, at = cut(memory, at, (workers, GROUP, BLOCK))
    packed_keys, at = cut(memory, at, (workers, keys * (wide // shape.heads)))
    packed_values, at = cut(memory, at, (workers, keys * (wide // shape.heads)))
    scores, at = cut(memory, at, (workers, ROWS, keys))
    context, at = cut(memory, at, (tokens, wide))
    sum, at = cut(memory, at, (tokens, dim))
    ffn, at = cut(memory, at, (tokens, hidden_dim))
    return Buffers(
        hidden, qkv, accumulator, packed_keys, packed_values, scores, context, sum, ffn
    ), at


_ENDLESS = np.broadcast_to(np.float32(0), (1 << 60,))  # takes no memory: for counting only


def weight_count(shape: Shape) -> int:
    """Float32 elements that a model's weights take."""
    return weight_views(_ENDLESS, shape)[1]


def buffer_count(shape: Shape, tokens: int, longest: int, workers: int) -> int:
    """Float32 elements of scratch for a batch of `tokens`, the longest sequence `longest`."""
    return buffer_views(_ENDLESS, shape, tokens, longest, workers)[1]
