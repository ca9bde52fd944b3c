"""Row gathering: after the last attention, keep the rows whose logits are wanted.

From there on a token's row decides about its own logits only. The tag of a word is read from its
first wordpiece, and special tokens have no tag. On CoNLL-2003 that removes a third of the rows from
the last layer's products.
"""

from __future__ import annotations

from typing import Any

from minner.kernels.precision import Precision, float32
from minner.kernels.runtime.team import barrier, shared_items
from minner.kernels.runtime.team_state import Member
from minner.kernels.vector.control import loop, when
from minner.kernels.vector.instructions import maximum, minimum
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import LANES
from minner.kernels.vector.values import Array

DWORDS_PER_ITEM = 128
"""Dwords of every row that a thread moves at once."""


def gather_rows_kernel(precision: Precision = float32) -> Any:
    """Make the kernel that moves some rows of two arrays to their beginnings.

    Returns:
        A staged function `(team, rows, hidden, context)`: row i becomes what row `rows[i]` was.
        rows is int32 `[R]`, ascending; hidden `[T, D]`; context as attention writes it. Rows after
        the first R then hold anything. Where R = T nothing is to be done.
    """
    written = precision.product_input

    @staged
    def gather_rows(team: Member, rows: Array, hidden: Array, context: Array) -> None:
        widths = hidden.shape[1], context.shape[1]
        items = (maximum(*widths) + (DWORDS_PER_ITEM - 1)) // DWORDS_PER_ITEM
        with when(rows.shape[0] < hidden.shape[0]):
            # In place: so threads share columns, and each goes through the rows in order.
            for item, _, _ in shared_items(team, items):
                first = item * DWORDS_PER_ITEM
                ends = [minimum(first + DWORDS_PER_ITEM, width) for width in widths]
                for row in loop(rows.shape[0]):
                    source = rows[row].scalar()
                    for at in loop(first, ends[0], LANES):
                        hidden[row, at].store(hidden[source, at].load())
                    for at in loop(first, ends[1], LANES):
                        column = at * written.per_dword
                        values = written.place(context, source, column).load()
                        written.place(context, row, column).store(values)
        barrier(team)

    return gather_rows
