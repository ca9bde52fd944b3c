"""Queries, keys and values of one head, packed as the operands of attention's two products.

In this file `dwords` is the length of a row of q, k or v in dwords: d, padded, of float32, or half
as many of bfloat16. `precision` is that of attention's products.
"""

from __future__ import annotations

from minner.kernels.precision import Precision
from minner.kernels.vector.control import loop
from minner.kernels.vector.instructions import bits, minimum, shuffle
from minner.kernels.vector.target import AMX_TILE, CACHE_LINE, LANES, NR
from minner.kernels.vector.values import FLOATS, INT16S, INT64, Pointer, Value, ValueLike, lift


def panels(width: Value) -> Value:
    """How many micropanels cover so many columns."""
    return (width + (NR - 1)) // NR


def dwords_of_tokens(precision: Precision, length: Value) -> Value:
    """Dwords that hold a value for each token, in whole cache lines."""
    tokens = precision.layout.weights_per_dword * CACHE_LINE
    return (length + (tokens - 1)) // tokens * CACHE_LINE


def _in_panel(precision: Precision, k: Value, column: ValueLike) -> Value:
    """Where dword k of a column lies in a micropanel (see `fill_panels` of weights/pack.py)."""
    if not precision.layout.amx:
        return k * NR + column
    group, half = k // AMX_TILE * NR, lift(column, INT64) // AMX_TILE * AMX_TILE
    return (group + half + k % AMX_TILE) * AMX_TILE + lift(column, INT64) % AMX_TILE


def pack_queries(
    precision: Precision, query: Pointer, rows: Value, dwords: Value, x: Pointer
) -> None:
    """Write queries `[rows, dwords]` as blocked rows of x."""
    for row in loop(rows):
        for line in loop(0, dwords, CACHE_LINE):
            source = query + row * dwords + line
            place = precision.row(x, dwords, row) + line * precision.layout.mr
            for at in range(0, CACHE_LINE, LANES):
                (place + at).store((source + at).load())


def pack_keys(
    precision: Precision, key: Pointer, length: Value, dwords: Value, out: Pointer
) -> None:
    """Write keys `[length, dwords]` as micropanels `[length / NR, dwords, NR]`.

    The columns after the last key repeat it. Nobody reads their scores, but computing with whatever
    lay there could be slow: 30 times slower with subnormal numbers.
    """
    for token in loop(0, panels(length) * NR, LANES):
        rows = [key + minimum(token + i, length - 1) * dwords for i in range(LANES)]
        panel = out + token // NR * NR * dwords
        for k in loop(0, dwords, LANES):
            columns = _transposed([(row + k).load() for row in rows])
            for i, column in enumerate(columns):
                (panel + _in_panel(precision, k + i, token % NR)).store(column)


def _transposed(rows: list[Value]) -> list[Value]:
    """Transpose LANES vectors in registers: swap the off-diagonal blocks of 1, 2, 4 ... lanes."""
    for size in (1 << bit for bit in range(LANES.bit_length() - 1)):
        upper = [lane if not lane & size else LANES + lane - size for lane in range(LANES)]
        lower = [lane + size if not lane & size else LANES + lane for lane in range(LANES)]
        pairs = [(rows[i & ~size], rows[i | size]) for i in range(LANES)]
        rows = [shuffle(*pair, lower if i & size else upper) for i, pair in enumerate(pairs)]
    return rows


def pack_values(
    precision: Precision, value: Pointer, length: Value, dwords: Value, out: Pointer
) -> None:
    """Write values `[length, dwords]` as micropanels `[d / NR, dwords of length, NR]`.

    A dword holds the values of neighbouring tokens. Places beyond the last token repeat it. They
    are multiplied by probabilities of 0, but 0 times whatever lay there could be NaN.
    """
    per_dword, count = precision.layout.weights_per_dword, dwords_of_tokens(precision, length)
    for k in loop(count):
        rows = [value + minimum(k * per_dword + i, length - 1) * dwords for i in range(per_dword)]
        for first in loop(0, dwords, NR // per_dword):
            place = out + first * per_dword * count
            parts = [
                [(row + first + at).load() for at in range(0, NR // per_dword, LANES)]
                for row in rows
            ]
            vectors = parts[0] if per_dword == 1 else _interleaved(parts[0][0], parts[1][0])
            for i, vector in enumerate(vectors):
                (place + _in_panel(precision, k, i * LANES)).store(vector)


def _interleaved(a: Value, b: Value) -> list[Value]:
    """The bfloat16 of two vectors in turns: a0 b0 a1 b1 ..., as two vectors."""
    a, b = bits(a, INT16S), bits(b, INT16S)
    order = [i + which for i in range(2 * LANES) for which in (0, 2 * LANES)]
    halves = order[: 2 * LANES], order[2 * LANES :]
    return [bits(shuffle(a, b, half), FLOATS) for half in halves]
