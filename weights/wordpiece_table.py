"""The plain wordpieces of a vocabulary as a hash table, which compiled code reads.

`kernels/fields.py` cuts words with it. A slot holds the characters of one wordpiece, without the
prefix of those that continue a word, so what is found there is equal, and no mere collision.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.kernels.runtime.text_calls import (
    DIGIT,
    DIGIT_JOINER,
    JOINER,
    LETTER,
    LONGEST_PIECE,
    MARK,
    OTHER,
    SPACE,
    TABLE_FACTORS,
)
from minner.weights.kept_wordpieces import KeptWordpieces

_KINDS = (
    (string.punctuation, MARK),
    (string.ascii_letters, LETTER),
    (string.digits, DIGIT),
    ("-&", JOINER),
    (".,:/", DIGIT_JOINER),
)

_KIND_COUNT = 0x3001
"""Code points up to the last of Unicode's white space."""


class WordpieceTable(NamedTuple):
    """What compiled code must know to cut plain words.

    Attributes:
        kinds: uint8 `[K]`, of the first K code points; `text_calls.py` names them.
        slots: uint64 `[2^b, 3]`: eight characters, eight more, and twice the id, plus 1 if it
            continues a word; all 0 where the slot is free, as some are.
        lowercase: whether words are looked for in lower case.
        unknown: the id of what cannot be cut.
        longest: letters and digits of the longest run that is cut.
    """

    kinds: NDArray[np.uint8]
    slots: NDArray[np.uint64]
    lowercase: bool
    unknown: int
    longest: int


def wordpiece_table(kept: KeptWordpieces | None) -> WordpieceTable:
    """Make the table of a WordPiece tokenizer; for None, one that knows white space alone."""
    nothing = WordpieceTable(_kinds(()), np.zeros((2, 3), dtype=np.uint64), False, 0, 0)
    if kept is None:
        return nothing
    marks = [set(string.punctuation).intersection(token) for token in kept.rules.added]
    if not all(marks):  # such a token could be found inside of any word
        return nothing
    pieces, ids = kept.wordpieces()
    prefix = kept.rules.prefix.encode()
    later = [place for place, piece in enumerate(pieces) if piece.startswith(prefix)]
    return WordpieceTable(
        _kinds(_KINDS, refused=[min(some) for some in marks]),
        _slots(
            pieces + [pieces[place][len(prefix) :] for place in later],
            [2 * index for index in ids] + [2 * ids[place] + 1 for place in later],
        ),
        kept.rules.lowercase,
        kept.rules.unknown,
        min(kept.rules.longest, LONGEST_PIECE),
    )


def _kinds(known: Iterable[tuple[str, int]], refused: Iterable[str] = ()) -> NDArray[np.uint8]:
    """The kind of each code point, given those that characters have, the later ones first."""
    kinds = np.full(_KIND_COUNT, OTHER, dtype=np.uint8)
    spaces = [code for code in range(_KIND_COUNT) if chr(code).isspace()]
    kinds[spaces] = SPACE
    for characters, kind in known:
        kinds[[*map(ord, characters)]] = kind
    kinds[[*map(ord, refused)]] = OTHER
    return kinds


def _slots(pieces: Sequence[bytes], values: Sequence[int]) -> NDArray[np.uint64]:
    """The slots of a table at most half full: linear probing, all wordpieces in turns."""
    sizes = np.fromiter(map(len, pieces), dtype=np.intp, count=len(pieces))
    short = np.flatnonzero((sizes > 0) & (sizes <= LONGEST_PIECE))
    halves = np.array(pieces, dtype=f"S{LONGEST_PIECE}").view("<u8").reshape(-1, 2)
    entries = np.column_stack([halves, np.array(values, dtype=np.uint64)])[short]
    bits = max(1, int(2 * len(entries) - 1).bit_length())
    factors = np.array(TABLE_FACTORS, dtype=np.uint64)
    mixed = (entries & np.array([-1, -1, 1]).astype(np.uint64)) * factors
    at = (mixed.sum(axis=1, dtype=np.uint64) >> np.uint64(64 - bits)).astype(np.intp)
    slots = np.zeros((1 << bits, 3), dtype=np.uint64)
    waiting = np.arange(len(entries))
    while len(waiting):
        free = waiting[slots[at[waiting], 0] == 0]
        slots[at[free]] = entries[free]  # of several, one stays
        placed = (slots[at[waiting]] == entries[waiting]).all(axis=1)
        waiting = waiting[~placed]
        at[waiting] = (at[waiting] + 1) % len(slots)
    return slots
