"""Attention over packed sequences: every sequence sees its own tokens, so nothing is masked.

Both products of a head run on the tile of `kernels/product.py`. The scores are a linear layer
whose weight is the keys, so the keys are packed like a weight; the context is a linear layer
whose weight is the values, which need no more than to be brought together. A block of ROWS queries
stays in L1 from its scores to its context: 8 rows of 512 scores are 16 KB.
"""

from __future__ import annotations

from minner.kernels.functions import exp
from minner.kernels.product import row_blocks, tile
from minner.kernels.staged import (
    Array,
    Pointer,
    Value,
    Variable,
    lane_numbers,
    loop,
    maximum,
    reduce,
    select,
    splat,
    staged,
    to_int32,
    vector,
)
from minner.kernels.target import BLOCK, LANES
from minner.kernels.team import claims, meet

LOWEST = -3.0e38


def blocks(width: Value) -> Value:
    """How many panels of BLOCK columns cover a width."""
    return (width + (BLOCK - 1)) // BLOCK


def pack_keys(key: Pointer, stride: Value, length: Value, width: Value, keys: Pointer) -> None:
    """Lay the keys of one head out as weight panels `[length / BLOCK, width, BLOCK]`.

    Columns beyond `length` keep what was there: their scores are never read.
    """
    for token in loop(length):
        source = key + token * stride
        target = keys + (token // BLOCK * BLOCK * width + token % BLOCK)
        for k in loop(width):
            (target + k * BLOCK).store_scalar((source + k).scalar())


def pack_values(
    value: Pointer, stride: Value, length: Value, width: Value, values: Pointer
) -> None:
    """Copy the values of one head together, `[length, width]`: in qkv they are a page apart."""
    for token in loop(length):
        for at in loop(0, width, LANES):
            (values + token * width + at).store((value + token * stride + at).load())


def softmax_row(row: Pointer, length: Value) -> None:
    """Turn `length` scores into probabilities, in place; the padding of the last vector gets 0."""
    end = blocks(length) * BLOCK
    highest = Variable(vector(LOWEST))
    for at in loop(0, end, LANES):
        inside = lane_numbers() < splat(to_int32(length - at))
        scores = select(inside, (row + at).load(), vector(LOWEST))
        (row + at).store(scores)
        highest.value = maximum(highest.value, scores)
    peak = splat(reduce(highest.value, maximum))

    total = Variable(vector(0.0))
    for at in loop(0, end, LANES):
        inside = lane_numbers() < splat(to_int32(length - at))
        weights = select(inside, exp((row + at).load() - peak), vector(0.0))
        (row + at).store(weights)
        total.value = total.value + weights
    scale = splat(1.0 / reduce(total.value, lambda a, b: a + b))
    for at in loop(0, end, LANES):
        (row + at).store((row + at).load() * scale)


@staged
def attention(
    team: Array,
    rank: Value,
    qkv: Array,
    bounds: Array,
    heads: Value,
    keys: Array,
    values: Array,
    scores: Array,
    context: Array,
) -> None:
    """`softmax(q @ k.T) @ v` per head and sequence; 1/sqrt(d) is folded into q's weights.

    Args:
        team: the threads share the pairs of sequence and head.
        rank: of this thread.
        qkv: `[T, 3 H d]`, queries, keys and values side by side, d padded to BLOCK.
        bounds: int32 `[S + 1]`, where each sequence starts, and T.
        heads: H.
        keys: scratch `[workers, N d]` for the packed keys of one head; N is the longest sequence
            padded to BLOCK.
        values: scratch `[workers, N d]` for the values of one head.
        scores: scratch `[workers, ROWS, N]`.
        context: out `[T, H d]`.
    """
    stride, width = qkv.shape[1], context.shape[1] // heads
    packed_keys, packed_values = keys[rank], values[rank]
    score_rows, score_stride = scores[rank], scores.shape[2]
    for item, _ in claims(team, (bounds.shape[0] - 1) * heads):
        sequence, head = item // heads, item % heads
        first = bounds[sequence].scalar()
        length = bounds[sequence + 1].scalar() - first
        query = qkv[first, head * width]
        key, value = query + context.shape[1], query + context.shape[1] * 2
        pack_keys(key, stride, length, width, packed_keys)
        pack_values(value, stride, length, width, packed_values)
        for row, rows in row_blocks(length):
            for panel in loop(blocks(length)):
                panel_keys = packed_keys + panel * width * BLOCK
                for i, column, score in tile(
                    rows, width, query + row * stride, stride, panel_keys, BLOCK
                ):
                    (score_rows + i * score_stride + panel * BLOCK + column).store(score)
            for query_row in loop(rows):
                softmax_row(score_rows + query_row * score_stride, length)
            for at in loop(0, width, BLOCK):
                for i, column, total in tile(
                    rows, length, score_rows, score_stride, packed_values + at, width
                ):
                    context[first + row + i, head * width + at + column].store(total)
    meet(team)
