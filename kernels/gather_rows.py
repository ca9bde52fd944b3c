"""Leaving rows out: after the last attention, a token's row decides about its own logits only.

A word's tag is read from its first piece, and of special tokens nobody asks. On CoNLL-2003 that
spares the last layer's products a third of the rows.
"""

from __future__ import annotations

from typing import Any

from minner.kernels.precision import Precision, float32
from minner.kernels.runtime.layout import Member
from minner.kernels.runtime.team import claims, meet
from minner.kernels.vector.staged import Array, loop, maximum, minimum, staged, when
from minner.kernels.vector.target import LANES

WORDS_PER_ITEM = 128
"""Words of every row that a thread moves at once."""


def keep_rows_kernel(precision: Precision = float32) -> Any:
    """Make the kernel that moves some rows of two arrays to their beginnings.

    Returns:
        A staged function `(team, rows, hidden, context)`: row i becomes what row `rows[i]` was,
        rows int32 `[R]`, ascending; hidden `[T, D]`, and context as attention gives it. The rows
        after the first R hold anything then. With R = T nothing is to be done.
    """
    given = precision.product_rows

    @staged
    def keep_rows(team: Member, rows: Array, hidden: Array, context: Array) -> None:
        widths = hidden.shape[1], context.shape[1]
        items = (maximum(*widths) + (WORDS_PER_ITEM - 1)) // WORDS_PER_ITEM
        with when(rows.shape[0] < hidden.shape[0]):
            # In place: so threads share columns, and go through the rows of each in order.
            for item, _, _ in claims(team, items):
                first = item * WORDS_PER_ITEM
                ends = [minimum(first + WORDS_PER_ITEM, width) for width in widths]
                for row in loop(rows.shape[0]):
                    source = rows[row].scalar()
                    for word in loop(first, ends[0], LANES):
                        hidden[row, word].store(hidden[source, word].load())
                    for word in loop(first, ends[1], LANES):
                        value = given.place(context, source, word * given.step).load()
                        given.place(context, row, word * given.step).store(value)
        meet(team)

    return keep_rows
