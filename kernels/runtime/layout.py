"""How a model lies in memory: one block of weights, one block of scratch, and views into them.

The packer fills the views from Python and the compiled forward pass reads them: both get them
from the same functions here. Matrices are panels `[N / BLOCK, words of K, BLOCK]` (see
`product.py` and `precision.py`), with all layers stacked in front. Every feature dimension is
padded to PADDING with zeros, so no kernel needs a tail. All arrays are float32 to Python and Numba;
the kernels read their words as what they are. (Plain Python here; `forward.py` has Numba compile
the same functions.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.kernels.model import EMBED, HEAD, LAYER, Kind, Shape, Sizes, Step
from minner.kernels.runtime.operand_layout import PLAIN, Form
from minner.kernels.vector.target import BLOCK, GROUP_ROWS, LANES, PADDING, QUERIES, TILE

Floats = Any  # float32 arrays, in Python and in compiled code
Words = Any  # the same, of 32-bit words that may hold something else


class Call(NamedTuple):
    """What a forward pass works on: int64 values in this order, some of them addresses.

    After them follow the address of the state that the threads share, and the fields of Shape.
    """

    words: int  # float32 [V, D]
    weights: int  # float32, divided by weight_views
    scratch: int  # float32, divided by buffer_views
    ids: int  # int32 [T]
    positions: int  # int32 [T], each token's place in its sequence
    bounds: int  # int32 [S + 1], where each sequence starts, and T
    rows: int  # int32 [R], ascending: the tokens whose logits are wanted
    logits: int  # float32 [R, C], padded
    kept: int  # R
    tokens: int  # T
    sequences: int  # S
    longest: int  # tokens of the longest sequence


# ---- the state that a thread team shares: fields of LINE int64 each (see team.py) -------------

LINE = 16
"""int64 per field: 128 bytes, because processors fetch cache lines in pairs."""

WORKERS = 0  # threads of the team
TICKET = 1  # passes called so far
STOP = 2  # 1: helpers return
ARRIVED = 3  # threads at the barrier
GENERATION = 4  # barriers passed so far
LAPS = 5  # where time stamps go (see stage_timings.py), or 0
LAP = 6  # time stamps of this pass so far
PARKED = 7  # + PER_RANK * rank: 1 while that helper sleeps or is about to
SEEN = 8  # + PER_RANK * rank: passes that helper has taken part in
WAKE = 9  # + PER_RANK * rank: the pipe that wakes it
TAKEN = 10  # + PER_RANK * rank: items of that thread's share that are taken, of the current kernel
PER_RANK = 4


def team_state(workers: int) -> NDArray[np.int64]:
    """The shared state of a team that has not run yet: int64, each field on its own lines."""
    count = (PARKED + PER_RANK * workers) * LINE
    raw = np.zeros(count + LINE, dtype=np.int64)
    start = -raw.ctypes.data // 8 % LINE
    state = raw[start : start + count]
    state[WORKERS * LINE] = workers
    return state


class Member(NamedTuple):
    """One thread of a team."""

    state: Any  # int64, what the team shares
    rank: int  # of this thread, the leader's is 0


# ---- the model ----------------------------------------------------------------------------------


class Linear(NamedTuple):
    """A linear layer `[N, K]`; a word is 32 bits, `step` values of K."""

    weight: Words  # [N / BLOCK, words of K, BLOCK]
    bias: Floats  # [N]
    scale: Floats  # [N], what a step of the int8 weights is worth; [0] if not quantised
    column_sum: Words  # int32 [N], sums of the int8 weights; [0] if not quantised


class Norm(NamedTuple):
    """A layer norm."""

    weight: Floats  # [D]
    bias: Floats  # [D]
    epsilon: Floats  # [PADDING], all the same: what is added to the variance


class Weights(NamedTuple):
    """Kernel-ready weights, a field for each step of `model.py` that has some.

    `L` layers are stacked in front; `A` = heads times padded head width. The word embeddings are
    not among them: all precisions share one table.
    """

    position_embeddings: Floats  # [P, D]
    embeddings_norm: Norm  # 1
    qkv: Linear  # L of [3A, D]
    out_lin: Linear  # L of [D, A]
    sa_layer_norm: Norm  # L
    lin1: Linear  # L of [F, D]
    lin2: Linear  # L of [D, F]
    output_layer_norm: Norm  # L
    classifier: Linear  # 1 of [C, D], always float32


class Operand(NamedTuple):
    """What a product reads as x, in blocks of `Form.rows` rows by TILE words."""

    rows: Words  # [T, words of K]
    scale: Floats  # [T], what a step of each int8 row is worth


class Workspace(NamedTuple):
    """Scratch of one thread alone, where the longest sequence has `N` tokens."""

    accumulator: Floats  # [GROUP_ROWS, BLOCK], the sums of one weight panel
    queries: Words  # [QUERIES, head width], some queries of one head
    keys: Words  # [N * head width], one head's keys
    values: Words  # [N * head width], one head's values
    scores: Floats  # [QUERIES, N + LANES]
    chances: Words  # [QUERIES, N], the scores after the softmax


class Buffers(NamedTuple):
    """Scratch of one forward pass over `T` packed tokens, as one of its threads sees it."""

    hidden: Floats  # [T, D]
    x: Operand  # hidden as an operand
    qkv: Words  # [3H, T, words of d], the queries of each head, then keys, then values
    context: Words  # what attention gives, [T, words of A]
    context_x: Operand  # the same as an operand
    ffn: Words  # what lin1 gives, [T, words of F]
    ffn_x: Operand  # the same as an operand
    last: Operand  # what the last layer gives, as a float32 operand
    own: Workspace  # of this thread


def padded(width: int) -> int:
    """Round up to a multiple of PADDING."""
    return (width + PADDING - 1) // PADDING * PADDING


def words(width: int, step: int) -> int:
    """32-bit words that hold `width` values, padded: whole lines of TILE words."""
    return (padded(width) // step + TILE - 1) // TILE * TILE


def attention_width(shape: Shape) -> int:
    """`A`: the width of all heads side by side, each padded to BLOCK."""
    return shape.heads * padded(shape.dim // shape.heads)


def cut(memory: Floats, start: int, shape: tuple[int, ...]) -> tuple[Floats, int]:
    """View the next elements of `memory` as an array; also returns where they end."""
    end = start + math.prod(shape)
    return memory[start:end].reshape(shape), end


def cut_linear(
    memory: Words, start: int, layers: int, n: int, k: int, form: Form
) -> tuple[Linear, int]:
    """View the next elements as `layers` linear layers from `k` to `n` features, padded."""
    quantised = n if form.quantised else 0
    weight, at = cut(memory, start, (layers, n // BLOCK, words(k, form.step), BLOCK))
    bias, at = cut(memory, at, (layers, n))
    scale, at = cut(memory, at, (layers, quantised))
    column_sum, at = cut(memory, at, (layers, quantised))
    return Linear(weight, bias, scale, column_sum), at


def cut_norm(memory: Words, start: int, layers: int, dim: int) -> tuple[Norm, int]:
    """View the next elements as `layers` layer norms."""
    weight, at = cut(memory, start, (layers, dim))
    bias, at = cut(memory, at, (layers, dim))
    epsilon, at = cut(memory, at, (layers, PADDING))
    return Norm(weight, bias, epsilon), at


def padded_sizes(shape: Shape) -> Sizes:
    """The sizes of packed weights; rows that are looked up are as many as there are."""
    return Sizes(
        shape.vocabulary,
        shape.positions,
        padded(shape.dim),
        attention_width(shape),
        padded(shape.hidden_dim),
        padded(shape.classes),
    )


PACKED = (
    *((step, False) for step in EMBED if step.name != "word_embeddings"),
    *((step, True) for step in LAYER if step.modules),
    *((step, False) for step in HEAD),
)
"""The steps whose weights a model's memory holds, in order, and whether each layer has its own."""

Cutter = Callable[..., Any]  # (memory, start, layers, sizes, form): a view, and where it ends


def make_weight_views(compiled: Callable[[Cutter], Cutter]) -> Callable[..., tuple[Weights, int]]:
    """Make the function that divides a block of words into weights.

    Args:
        compiled: what makes a function callable in the code that will call it.

    Returns:
        `(memory, shape, form)`: the weights, and how many words they take.
    """
    cut_all = _cutter_of_all(PACKED, compiled)

    def weight_views(memory: Words, shape: Shape, form: Form) -> tuple[Weights, int]:
        views, at = cut_all(memory, 0, shape.layers, padded_sizes(shape), form)
        return Weights(*views), at

    return compiled(weight_views)


def _cutter_of_all(
    steps: tuple[tuple[Step, bool], ...], compiled: Callable[[Cutter], Cutter]
) -> Cutter:
    """Cut one view after the other: a tuple of them, and where the last ends."""
    if not steps:
        return compiled(lambda memory, start, layers, sizes, form: ((), start))
    cut_first, cut_others = _cutter(*steps[0], compiled), _cutter_of_all(steps[1:], compiled)

    def cut_all(memory: Words, start: int, layers: int, sizes: Sizes, form: Form) -> Any:
        first, at = cut_first(memory, start, layers, sizes, form)
        others, at = cut_others(memory, at, layers, sizes, form)
        return (first, *others), at

    return compiled(cut_all)


def _cutter(step: Step, in_layer: bool, compiled: Callable[[Cutter], Cutter]) -> Cutter:
    """Cut the weights of one step."""
    rows, columns = Sizes._fields.index(step.rows), Sizes._fields.index(step.columns)
    parts = len(step.modules)

    def cut_table(memory: Words, start: int, layers: int, sizes: Sizes, form: Form) -> Any:
        return cut(memory, start, (sizes[rows], sizes[columns]))

    def cut_norms(memory: Words, start: int, layers: int, sizes: Sizes, form: Form) -> Any:
        return cut_norm(memory, start, layers if in_layer else 1, sizes.D)

    def cut_linears(memory: Words, start: int, layers: int, sizes: Sizes, form: Form) -> Any:
        n, k = parts * sizes[rows], sizes[columns]
        if in_layer:
            return cut_linear(memory, start, layers, n, k, form)
        return cut_linear(memory, start, 1, n, k, PLAIN)

    cutters = {Kind.TABLE: cut_table, Kind.NORM: cut_norms, Kind.LINEAR: cut_linears}
    return compiled(cutters[step.kind])


weight_views = make_weight_views(lambda function: function)
"""Divide a block of words into weights, in Python; compiled code makes its own."""


def cut_x(memory: Words, start: int, tokens: int, width: int, form: Form) -> tuple[Words, int]:
    """View the next elements as x, whose last block of rows is whole.

    A row has as many words as those of the weights meet.
    """
    columns = words(width, form.step) * (form.step // form.x_step)
    x, _ = cut(memory, start, (tokens, columns))
    return x, start + (tokens + form.rows - 1) // form.rows * form.rows * columns


def cut_operand(
    memory: Words, start: int, tokens: int, width: int, form: Form
) -> tuple[Words, Words, int]:
    """View the next elements as what a kernel gives, and as what the next product reads of it.

    That is the same memory, unless something has to be quantised in between.
    """
    if form.quantised:
        given, at = cut(memory, start, (tokens, words(width, form.given_step)))
    else:
        given, at = cut_x(memory, start, tokens, width, form)
    read = given
    if form.quantised:
        read, at = cut_x(memory, at, tokens, width, form)
    return given, read, at


PAGE = 1024
"""Words of a page of memory, 4 KB."""


def whole_pages(words: int) -> int:
    """Round up to a multiple of PAGE."""
    return (words + PAGE - 1) // PAGE * PAGE


def cut_workspace(memory: Words, start: int, longest: int, head: int) -> tuple[Workspace, int]:
    """View the next elements as the scratch of one thread, whole pages of it.

    Processors fetch lines ahead as far as the end of a page. Where two threads wrote to one page,
    they took its lines from each other, and attention over 128 tokens took 1.13 times as long.
    """
    keys = padded(longest)
    accumulator, at = cut(memory, start, (GROUP_ROWS, BLOCK))
    queries, at = cut(memory, at, (QUERIES, head))
    packed_keys, at = cut(memory, at, (keys * head,))
    packed_values, at = cut(memory, at, (keys * head,))
    scores, at = cut(memory, at, (QUERIES, keys + LANES))
    chances, at = cut(memory, at, (QUERIES, keys))
    own = Workspace(accumulator, queries, packed_keys, packed_values, scores, chances)
    return own, start + whole_pages(at - start)


def buffer_views(
    memory: Words,
    shape: Shape,
    form: Form,
    attention_form: Form,
    tokens: int,
    longest: int,
    rank: int,
) -> tuple[Buffers, int]:
    """Divide a block of words into the scratch of one thread of a team, of which most is shared.

    Returns:
        The scratch, and how many words those of the ranks 0 .. rank take.
    """
    dim, wide = padded(shape.dim), attention_width(shape)
    head = wide // shape.heads
    hidden, at = cut(memory, 0, (tokens, dim))
    x, at = cut_x(memory, at, tokens, dim, form)
    qkv, at = cut(memory, at, (3 * shape.heads, tokens, words(head, attention_form.x_step)))
    context, context_x, at = cut_operand(memory, at, tokens, wide, form)
    ffn, ffn_x, at = cut_operand(memory, at, tokens, shape.hidden_dim, form)
    last, at = cut_x(memory, at, tokens, shape.dim, PLAIN)
    scale, at = cut(memory, at, (padded(tokens) if form.quantised else 0,))
    first = whole_pages(at)
    _, second = cut_workspace(memory, first, longest, head)
    own, at = cut_workspace(memory, first + rank * (second - first), longest, head)
    return Buffers(
        hidden,
        Operand(x, scale),
        qkv,
        context,
        Operand(context_x, scale),
        ffn,
        Operand(ffn_x, scale),
        Operand(last, scale),
        own,
    ), at


def first_rows(b: Buffers, count: int) -> Buffers:
    """The same scratch, for the first `count` tokens only."""
    return Buffers(
        b.hidden[:count],
        Operand(b.x.rows[:count], b.x.scale),
        b.qkv,
        b.context[:count],
        Operand(b.context_x.rows[:count], b.context_x.scale),
        b.ffn[:count],
        Operand(b.ffn_x.rows[:count], b.ffn_x.scale),
        Operand(b.last.rows[:count], b.last.scale),
        b.own,
    )


_ENDLESS = np.broadcast_to(np.float32(0), (1 << 60,))  # takes no memory: for counting only


def weight_count(shape: Shape, form: Form) -> int:
    """Words that a model's weights take."""
    return weight_views(_ENDLESS, shape, form)[1]


def buffer_count(
    shape: Shape, form: Form, attention_form: Form, tokens: int, longest: int, workers: int
) -> int:
    """Words of scratch for a batch of `tokens`, the longest sequence `longest`."""
    return buffer_views(_ENDLESS, shape, form, attention_form, tokens, longest, workers - 1)[1]
