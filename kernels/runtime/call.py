"""What one call of the native forward pass works on, and how it ends."""

from __future__ import annotations

from typing import NamedTuple

ALL_ROWS = -1
"""In the place of R: all tokens' logits are wanted, so R becomes T."""

DONE, BAD_ID, BAD_ROW, NOT_FINITE = range(4)
"""How a call ends: some id or row is a place outside the memory that the pass would read, and
nothing was computed; or some logit is infinite or no number."""


class Call(NamedTuple):
    """The fields of a call: int64 values in this order, some of them addresses.

    After them follow the address of the team's shared state and the fields of Shape. `abi.py` reads
    all of that in compiled code.
    """

    word_embeddings: int  # float32 [V, D]
    weights: int  # float32, divided by weight_views
    scratch: int  # float32, divided by buffer_views
    ids: int  # int32 [T]
    positions: int  # int32 [T], scratch: each token's place in its sequence
    bounds: int  # int32 [S + 1], where each sequence starts, and T
    rows: int  # int32 [R], ascending: the tokens whose logits are wanted
    logits: int  # float32 [R, C], padded
    row_count: int  # R, or ALL_ROWS
    tokens: int  # T
    sequences: int  # S
    longest: int  # tokens of the longest sequence
    outcome: int = DONE  # out: or BAD_ID, BAD_ROW, NOT_FINITE


OUTCOME = Call._fields.index("outcome")
