"""The scratch memory of a forward pass: one block of dwords, and views into it.

Python allocates the block; the compiled forward pass divides it with the same functions. (Plain
Python here; `abi.py` has Numba compile them.)
"""

from __future__ import annotations

from typing import NamedTuple

from minner.kernels.model import Shape
from minner.kernels.runtime.layout import (
    ENDLESS,
    Dwords,
    Floats,
    attention_width,
    cut,
    dwords,
    padded,
)
from minner.kernels.runtime.operand_layout import FLOAT32_LAYOUT, OperandLayout
from minner.kernels.vector.target import LANES, MC, NR, ROW_BLOCK

PAGE = 1024
"""Dwords of a page of memory, 4 KB."""


class ProductInput(NamedTuple):
    """What a product reads as x, in row strips (see operand_layout.py)."""

    rows: Dwords  # [T, dwords of K]
    scale: Floats  # [T], of each row of int8; [0] if not quantised
    zero: Dwords  # int32 [T], the integer that stands for 0 in each row; [0] if not quantised


class ThreadScratch(NamedTuple):
    """Scratch of one thread alone, where the longest sequence has `N` tokens."""

    accumulator: Floats  # [MC, NR], the sums of one micropanel
    queries: Dwords  # [ROW_BLOCK, head width], some queries of one head
    keys: Dwords  # [N * head width], one head's keys in micropanels
    values: Dwords  # [N * head width], one head's values in micropanels
    scores: Floats  # [ROW_BLOCK, N + LANES]
    probabilities: Dwords  # [ROW_BLOCK, N], the scores after the softmax


class Buffers(NamedTuple):
    """Scratch of one forward pass over `T` packed tokens, as one of its threads sees it.

    `context` and `context_x` are the same memory unless x is quantised; so are `ffn` and `ffn_x`.
    """

    hidden: Floats  # [T, D]
    x: ProductInput  # hidden as the next product reads it
    qkv: Dwords  # [3H, T, dwords of d], the queries of each head, then keys, then values
    context: Dwords  # what attention writes, [T, dwords of A]
    context_x: ProductInput  # what out_lin reads
    ffn: Dwords  # what lin1 writes, [T, dwords of F]
    ffn_x: ProductInput  # what lin2 reads
    last: ProductInput  # what the last layer writes and the classifier reads, in float32
    thread: ThreadScratch  # of this thread


def cut_x(
    memory: Dwords, start: int, tokens: int, width: int, layout: OperandLayout
) -> tuple[Dwords, int]:
    """View the next dwords as x, whose last row strip is whole."""
    x_per_weight = layout.weights_per_dword // layout.x_per_dword
    columns = dwords(width, layout.weights_per_dword) * x_per_weight
    x, _ = cut(memory, start, (tokens, columns))
    return x, start + (tokens + layout.mr - 1) // layout.mr * layout.mr * columns


def cut_product_input(
    memory: Dwords, start: int, tokens: int, width: int, layout: OperandLayout
) -> tuple[Dwords, Dwords, int]:
    """View the next dwords as the rows that a kernel writes, and as the x of the next product.

    Without quantisation the kernel writes x itself, so both are the same memory. With it, the
    kernel writes unquantised rows, and the quantise kernel turns them into x, which lies behind.
    """
    written, at = cut_x(memory, start, tokens, width, layout)
    x = written
    if layout.quantised:
        written, at = cut(memory, start, (tokens, dwords(width, layout.unquantised_per_dword)))
        x, at = cut_x(memory, at, tokens, width, layout)
    return written, x, at


def whole_pages(count: int) -> int:
    """Round dwords up to a multiple of PAGE."""
    return (count + PAGE - 1) // PAGE * PAGE


def cut_thread_scratch(
    memory: Dwords, start: int, longest: int, head: int
) -> tuple[ThreadScratch, int]:
    """View the next dwords as the scratch of one thread, whole pages of it.

    Processors prefetch cache lines up to the end of a page. Where two threads wrote to one page,
    hardware prefetch pulled lines away from the other thread, and attention over 128 tokens took
    1.13 times as long.
    """
    keys = padded(longest)
    accumulator, at = cut(memory, start, (MC, NR))
    queries, at = cut(memory, at, (ROW_BLOCK, head))
    packed_keys, at = cut(memory, at, (keys * head,))
    packed_values, at = cut(memory, at, (keys * head,))
    scores, at = cut(memory, at, (ROW_BLOCK, keys + LANES))
    probabilities, at = cut(memory, at, (ROW_BLOCK, keys))
    scratch = ThreadScratch(accumulator, queries, packed_keys, packed_values, scores, probabilities)
    return scratch, start + whole_pages(at - start)


def buffer_views(
    memory: Dwords,
    shape: Shape,
    layout: OperandLayout,
    attention_layout: OperandLayout,
    tokens: int,
    longest: int,
    rank: int,
) -> tuple[Buffers, int]:
    """Divide a block of dwords into the scratch of one thread of a team; most of it is shared.

    Returns:
        The scratch, and how many dwords those of the ranks 0 .. rank take.
    """
    dim, wide = padded(shape.dim), attention_width(shape)
    head = wide // shape.heads
    hidden, at = cut(memory, 0, (tokens, dim))
    x, at = cut_x(memory, at, tokens, dim, layout)
    head_dwords = dwords(head, attention_layout.x_per_dword)
    qkv, at = cut(memory, at, (3 * shape.heads, tokens, head_dwords))
    context, context_x, at = cut_product_input(memory, at, tokens, wide, layout)
    ffn, ffn_x, at = cut_product_input(memory, at, tokens, shape.hidden_dim, layout)
    last, at = cut_x(memory, at, tokens, shape.dim, FLOAT32_LAYOUT)
    quantised_rows = padded(tokens) if layout.quantised else 0
    scale, at = cut(memory, at, (quantised_rows,))
    zero, at = cut(memory, at, (quantised_rows,))
    first = whole_pages(at)
    _, second = cut_thread_scratch(memory, first, longest, head)
    thread, at = cut_thread_scratch(memory, first + rank * (second - first), longest, head)
    return Buffers(
        hidden,
        ProductInput(x, scale, zero),
        qkv,
        context,
        ProductInput(context_x, scale, zero),
        ffn,
        ProductInput(ffn_x, scale, zero),
        ProductInput(last, scale, zero),
        thread,
    ), at


def first_rows(b: Buffers, count: int) -> Buffers:
    """The same scratch, for the first `count` tokens only."""
    return Buffers(
        b.hidden[:count],
        ProductInput(b.x.rows[:count], b.x.scale, b.x.zero),
        b.qkv,
        b.context[:count],
        ProductInput(b.context_x.rows[:count], b.context_x.scale, b.context_x.zero),
        b.ffn[:count],
        ProductInput(b.ffn_x.rows[:count], b.ffn_x.scale, b.ffn_x.zero),
        ProductInput(b.last.rows[:count], b.last.scale, b.last.zero),
        b.thread,
    )


def buffer_count(
    shape: Shape,
    layout: OperandLayout,
    attention_layout: OperandLayout,
    tokens: int,
    longest: int,
    workers: int,
) -> int:
    """Dwords of scratch for a batch of `tokens`, whose longest sequence has `longest`."""
    _, count = buffer_views(ENDLESS, shape, layout, attention_layout, tokens, longest, workers - 1)
    return count
