"""Attention over packed sequences: every sequence sees its own tokens, so nothing is masked.

Both products of a head are those of `kernels/product.py`. The scores are a linear layer whose
weight is the keys, so the keys are packed like a weight; the context is a linear layer whose weight
is the values, and whose x is the scores after the softmax. A block of queries stays near from its
scores to its context: 8 rows of 512 scores are 16 KB.

The softmax is float32 in every precision. The products are bfloat16 where that is faster and the
model is not float32; q, k, v and the probabilities are rounded to it then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minner.kernels.activations import exp_below, exp_short
from minner.kernels.precision import Precision, attention_precision, float32
from minner.kernels.product import multiply
from minner.kernels.runtime.layout import Member, Workspace
from minner.kernels.runtime.team import claims, meet
from minner.kernels.vector.staged import (
    FLOATS,
    HALVES,
    INT64,
    Array,
    Operand,
    Pointer,
    Value,
    Variable,
    bits,
    lane_numbers,
    lift,
    loop,
    maximum,
    minimum,
    reduce,
    select,
    shuffle,
    splat,
    staged,
    to_int32,
    vector,
    when,
)
from minner.kernels.vector.target import BLOCK, LANES, TILE

LOWEST = -3.0e38


def blocks(width: Value) -> Value:
    """How many panels of BLOCK columns cover a width."""
    return (width + (BLOCK - 1)) // BLOCK


def words_of_tokens(precision: Precision, length: Value) -> Value:
    """Words that hold a value of each token, in whole lines."""
    tokens = precision.form.step * TILE
    return (length + (tokens - 1)) // tokens * TILE


def in_panel(precision: Precision, word: Value, column: Operand) -> Value:
    """Where in a panel `[words, BLOCK]` a word of a column lies (see `pack.fill_panels`)."""
    if not precision.form.tiled:
        return word * BLOCK + column
    group, half = word // TILE * BLOCK, lift(column, INT64) // TILE * TILE
    return (group + half + word % TILE) * TILE + lift(column, INT64) % TILE


def pack_queries(
    precision: Precision, query: Pointer, rows: Value, words: Value, x: Pointer
) -> None:
    """Write some queries of one head `[rows, words]` as rows of x."""
    for row in loop(rows):
        for line in loop(0, words, TILE):
            source = query + row * words + line
            target = precision.row(x, words, row) + line * precision.form.rows
            for at in range(0, TILE, LANES):
                (target + at).store((source + at).load())


def pack_keys(
    precision: Precision, key: Pointer, length: Value, words: Value, keys: Pointer
) -> None:
    """Lay the keys of one head out as weight panels `[length / BLOCK, words of d, BLOCK]`.

    Columns beyond `length` hold its last key again. Their scores are never read, but arithmetic
    with what happened to be there can be slow: with denormal numbers, 30 times.
    """
    for token in loop(0, blocks(length) * BLOCK, LANES):
        rows = [key + minimum(token + i, length - 1) * words for i in range(LANES)]
        panel = keys + token // BLOCK * BLOCK * words
        for word in loop(0, words, LANES):
            columns = transposed([(row + word).load() for row in rows])
            for i, column in enumerate(columns):
                (panel + in_panel(precision, word + i, token % BLOCK)).store(column)


def transposed(rows: list[Value]) -> list[Value]:
    """Transpose LANES vectors in registers: swap the off-diagonal blocks of 1, 2, 4 ... lanes."""
    for size in (1 << bit for bit in range(LANES.bit_length() - 1)):
        upper = [lane if not lane & size else LANES + lane - size for lane in range(LANES)]
        lower = [lane + size if not lane & size else LANES + lane for lane in range(LANES)]
        pairs = [(rows[i & ~size], rows[i | size]) for i in range(LANES)]
        rows = [shuffle(*pair, lower if i & size else upper) for i, pair in enumerate(pairs)]
    return rows


def pack_values(
    precision: Precision,
    value: Pointer,
    length: Value,
    words: Value,
    values: Pointer,
) -> None:
    """Lay the values of one head out as weight panels `[d / BLOCK, words of length, BLOCK]`.

    A word holds the values of `step` neighbouring tokens. Beyond the last token it holds that
    token's again: numbers that will be multiplied by 0.
    """
    step, count = precision.form.step, words_of_tokens(precision, length)
    for word in loop(count):
        rows = [value + minimum(word * step + i, length - 1) * words for i in range(step)]
        for first in loop(0, words, BLOCK // step):
            target = values + first * step * count
            parts = [
                [(row + first + at).load() for at in range(0, BLOCK // step, LANES)] for row in rows
            ]
            vectors = parts[0] if step == 1 else _interleave(parts[0][0], parts[1][0])
            for i, vector_ in enumerate(vectors):
                (target + in_panel(precision, word, i * LANES)).store(vector_)


def _interleave(a: Value, b: Value) -> list[Value]:
    """The bfloat16 of two vectors in turns: a0 b0 a1 b1 ..., as two vectors."""
    a, b = bits(a, HALVES), bits(b, HALVES)
    order = [i + which for i in range(2 * LANES) for which in (0, 2 * LANES)]
    halves = order[: 2 * LANES], order[2 * LANES :]
    return [bits(shuffle(a, b, half), FLOATS) for half in halves]


def softmax(
    precision: Precision,
    scores: Pointer,
    stride: Value,
    rows: Value,
    length: Value,
    x: Pointer,
    words: Value,
) -> Iterator[Value]:
    """Turn rows of `length` scores into weights, as rows of x; beyond `length` they get 0.

    The last vector of a row of scores tells what its weights must be multiplied by to give
    probabilities. Maxima first, of all rows: so that none has to wait for the one before.

    Yields:
        The number of each row before its weights are computed: there is time for other things.
    """
    whole = length // LANES * LANES
    inside = lane_numbers() < splat(to_int32(length - whole))
    for i in loop(rows):
        row = scores + i * stride
        highest = Variable(select(inside, (row + whole).load(), vector(LOWEST)))
        for at in loop(0, whole, LANES):
            highest.value = maximum(highest.value, (row + at).load())
        (row + (stride - LANES)).store(splat(reduce(highest.value, maximum)))
    for i in loop(rows):
        row = scores + i * stride
        spare = row + (stride - LANES)
        yield i
        total = _weights_row(precision, row, spare.load(), whole, inside, x, words, i)
        spare.store(splat(1.0 / total))


def _weights_row(
    precision: Precision,
    row: Pointer,
    peak: Value,
    whole: Value,
    inside: Value,
    x: Pointer,
    words: Value,
    number: Value,
) -> Value:
    """Write `exp(score - peak)` as row `number` of x; returns their sum."""
    power = exp_short if precision.form.x_step > 1 else exp_below

    def weights(at: Operand) -> Value:
        return power((row + at).load() - peak)

    last = select(inside, weights(whole), vector(0.0))
    total = Variable(last)
    for at in loop(0, whole, LANES):
        here = weights(at)
        precision.pack(precision.place(x, words, number, at), here)
        total.value = total.value + here
    with when(whole < words * precision.form.x_step):
        precision.pack(precision.place(x, words, number, whole), last)
    for at in loop(whole + LANES, words * precision.form.x_step, LANES):
        precision.pack(precision.place(x, words, number, at), vector(0.0))
    return reduce(total.value, lambda a, b: a + b)


def attention_kernel(precision: Precision = float32) -> Any:
    """Make the kernel `softmax(q @ k.T) @ v` per head and sequence; 1/sqrt(d) is folded into q.

    Args:
        precision: of the model. `attention_precision` says what attention multiplies in.

    Returns:
        A staged function of

        - team: the threads share the pairs of sequence and head.
        - qkv: `[3 H, T, words of d]`, the queries, keys and values of each head, d padded.
        - bounds: int32 `[S + 1]`, where each sequence starts, and T.
        - heads: H.
        - width: d.
        - own: scratch of this thread.
        - context: out `[T, words of H d]`.
    """
    inner, given = attention_precision(precision), precision.product_rows
    product = multiply(inner)

    @staged
    def attention(
        team: Member,
        qkv: Array,
        bounds: Array,
        heads: Value,
        width: Value,
        own: Workspace,
        context: Array,
    ) -> None:
        packed_queries = own.queries.data
        packed_keys, packed_values = own.keys.data, own.values.data
        words = qkv.shape[2]
        # Of `multiply`: the sums are fresh, and nothing new is fetched meanwhile.
        no_more = lift(1, INT64), packed_keys, lift(0, INT64)
        scores, score_stride = own.scores.data, own.scores.shape[1]
        x_of_values = own.chances.data
        sequences = bounds.shape[0] - 1
        for item, _, _ in claims(team, heads * sequences):
            head, sequence = item // sequences, item % sequences
            first = bounds[sequence].scalar()
            length = bounds[sequence + 1].scalar() - first
            pack_keys(inner, qkv[heads + head, first], length, words, packed_keys)
            pack_values(inner, qkv[heads * 2 + head, first], length, words, packed_values)
            for row in loop(0, length, inner.block_rows):
                rows = minimum(length - row, inner.block_rows)
                pack_queries(inner, qkv[head, first + row], rows, words, packed_queries)
                for panel in loop(blocks(length)):
                    product(
                        *(packed_queries, words),
                        *(packed_keys + panel * words * BLOCK, words),
                        *(scores + panel * BLOCK, score_stride, rows),
                        *no_more,
                    )
                of_values = words_of_tokens(inner, length)
                for i in softmax(inner, scores, score_stride, rows, length, x_of_values, of_values):
                    # Other cores have read the lines that this head is about to write.
                    for at in loop(0, width, TILE * given.step):
                        place = given.place(context, first + row + i, head * width + at)
                        place.prefetch(1, to_write=True)
                for at in loop(0, width, BLOCK):
                    product(
                        *(x_of_values, of_values),
                        *(packed_values + at * of_values, of_values),
                        *(own.accumulator.data, lift(BLOCK, INT64), rows),
                        *no_more,
                    )
                    for i in loop(rows):
                        scale = (scores + i * score_stride + (score_stride - LANES)).load()
                        halves = [
                            own.accumulator[i, column].load() * scale
                            for column in range(0, BLOCK, LANES)
                        ]
                        token, to = first + row + i, head * width + at
                        given.write(context, token, to, halves)
        meet(team)

    return attention
