"""Attention over packed sequences: every sequence sees its own tokens only, so there is no mask.

Both products of a head are block products as in `product.py`. The scores `q k^T` are a linear layer
whose weight is the keys, so the keys are packed into micropanels. The context is a linear layer
whose weight is the values, and whose x is the attention probabilities. ROW_BLOCK queries at a time
go from scores to context, so that the scores stay in the cache: 32 rows of 512 scores are 64 KB.

The softmax is float32 in every precision. The products are bfloat16 where that is faster and the
model is not float32; then q, k, v and the probabilities are rounded to bfloat16.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from minner.kernels.microkernel import Block, Prefetch
from minner.kernels.pack_heads import (
    dwords_of_tokens,
    pack_keys,
    pack_queries,
    pack_values,
    panels,
)
from minner.kernels.precision import Precision, attention_precision, float32
from minner.kernels.product import block_product
from minner.kernels.row_format import RowFormat
from minner.kernels.runtime.buffers import ThreadScratch
from minner.kernels.runtime.team import barrier, shared_items
from minner.kernels.runtime.team_state import Member
from minner.kernels.softmax import softmax, softmax_factor
from minner.kernels.vector.control import loop
from minner.kernels.vector.instructions import minimum
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import CACHE_LINE, LANES, NR, ROW_BLOCK
from minner.kernels.vector.values import INT64, Array, Pointer, Value, lift


class _Queries(NamedTuple):
    """Some queries of one head of one sequence, ROW_BLOCK of them or what is left."""

    head: Value
    width: Value  # d
    dwords: Value  # of a row of q, k or v
    length: Value  # tokens of the sequence
    length_dwords: Value  # of a row of probabilities
    token: Value  # the first of these queries
    rows: Value  # how many
    next_rows: list[Pointer]  # q, k and v of the item that this thread will probably take next


def attention_kernel(precision: Precision = float32) -> Any:
    """Make the kernel `softmax(q @ k.T) @ v` per head and sequence; 1/sqrt(d) is in q already.

    Args:
        precision: of the model. The products are in its `attention_precision`.

    Returns:
        A staged function of

        - team: the threads share the pairs of sequence and head.
        - qkv: `[3 H, T, dwords of d]`, the queries, keys and values of each head, d padded.
        - bounds: int32 `[S + 1]`, where each sequence starts, and T.
        - heads, width: H and d.
        - scratch: of this thread.
        - context: out `[T, dwords of H d]`.
    """
    inner, output = attention_precision(precision), precision.product_input

    @staged
    def attention(
        team: Member,
        qkv: Array,
        bounds: Array,
        heads: Value,
        width: Value,
        scratch: ThreadScratch,
        context: Array,
    ) -> None:
        sequences, dwords = bounds.shape[0] - 1, qkv.shape[2]
        for item, _, next_item in shared_items(team, heads * sequences):
            head, sequence = item // sequences, item % sequences
            next_head, next_first = next_item // sequences, bounds[next_item % sequences].scalar()
            first = bounds[sequence].scalar()
            length = bounds[sequence + 1].scalar() - first
            keys, values = qkv[heads + head, first], qkv[heads * 2 + head, first]
            pack_keys(inner, keys, length, dwords, scratch.keys.data)
            pack_values(inner, values, length, dwords, scratch.values.data)
            length_dwords = dwords_of_tokens(inner, length)
            for row in loop(0, length, ROW_BLOCK):
                token, rows = first + row, minimum(length - row, ROW_BLOCK)
                pack_queries(inner, qkv[head, token], rows, dwords, scratch.queries.data)
                next_rows = [qkv[heads * i + next_head, next_first + row] for i in range(3)]
                queries = _Queries(
                    head, width, dwords, length, length_dwords, token, rows, next_rows
                )
                _attend(inner, output, scratch, queries, context)
        barrier(team)

    return attention


def _attend(
    inner: Precision, output: RowFormat, scratch: ThreadScratch, queries: _Queries, context: Array
) -> None:
    """From packed queries, keys and values to rows of the context."""
    _multiply_by_keys(inner, scratch, queries)
    for i in softmax(inner, scratch, queries.rows, queries.length, queries.length_dwords):
        _fetch_to_write(output, context, queries, queries.token + i)
        _fetch_next(queries, i)
    _multiply_by_values(inner, output, scratch, queries, context)


def _multiply_by_keys(inner: Precision, scratch: ThreadScratch, queries: _Queries) -> None:
    """The scores of some queries: `[rows, length]`, up to whole micropanels."""
    x, stride, dwords = scratch.queries.data, scratch.scores.shape[1], queries.dwords
    for panel in loop(panels(queries.length)):
        keys, out = scratch.keys.data + panel * dwords * NR, scratch.scores.data + panel * NR
        _multiply(inner, x, dwords, keys, out, stride, queries.rows)


def _multiply_by_values(
    inner: Precision, output: RowFormat, scratch: ThreadScratch, queries: _Queries, context: Array
) -> None:
    """The context of some queries: their exponentials times the values, divided by their sums."""
    x, dwords, sums = scratch.probabilities.data, queries.length_dwords, scratch.accumulator
    for column in loop(0, queries.width, NR):
        values = scratch.values.data + column * dwords
        _multiply(inner, x, dwords, values, sums.data, lift(NR, INT64), queries.rows)
        for i in loop(queries.rows):
            factor = softmax_factor(scratch, i)
            halves = [sums[i, half].load() * factor for half in range(0, NR, LANES)]
            output.write(context, queries.token + i, queries.head * queries.width + column, halves)


def _multiply(
    inner: Precision,
    x: Pointer,
    dwords: Value,
    weights: Pointer,
    sums: Pointer,
    sums_stride: Value,
    rows: Value,
) -> None:
    """Multiply rows `[rows, dwords]` by a micropanel, in one k-block, and prefetch nothing."""
    overwrite, none = lift(1, INT64), lift(0, INT64)
    block = Block(x, dwords, weights, dwords, sums, sums_stride, rows, overwrite)
    block_product(inner)(block, Prefetch(weights, none, none))


def _fetch_to_write(output: RowFormat, context: Array, queries: _Queries, token: Value) -> None:
    """Fetch the cache lines that this head of a token goes to: other cores may still hold them."""
    for column in loop(0, queries.width, CACHE_LINE * output.per_dword):
        place = output.place(context, token, queries.head * queries.width + column)
        place.prefetch(1, to_write=True)


def _fetch_next(queries: _Queries, row: Value) -> None:
    """Fetch a row of the next item's q, k and v into L2.

    With 512 tokens in a call they lie in L3, or with the other core, and attention takes 0.83 to
    0.94 of the time. With 128 they are in L2 already, and it takes 1.02 times as long.
    """
    for rows in queries.next_rows:
        for line in loop(0, queries.dwords, CACHE_LINE):
            (rows + row * queries.dwords + line).prefetch(2)
