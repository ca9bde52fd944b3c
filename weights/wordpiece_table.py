"""The plain wordpieces of a vocabulary as a hash table, which compiled code reads.

`kernels/fields.py` cuts words with it. A slot holds the characters of one wordpiece, without the
prefix of those that continue a word, so what is found there is equal, and no mere collision.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.kernels.runtime.text_calls import (
    CLOSER,
    DIGIT,
    DIGIT_JOINER,
    FULL_STOP,
    JOINER,
    LETTER,
    LONGEST_PIECE,
    MARK,
    OTHER,
    SEPARATOR,
    SPACE,
    TABLE_FACTORS,
)
from minner.weights.kept_wordpieces import KeptWordpieces, Wordpieces, refused_marks

Places = NDArray[np.integer[Any]]

_KINDS = (
    (string.punctuation, MARK),
    (string.ascii_letters, LETTER),
    (string.digits, DIGIT),
    ("-&", JOINER),
    ("/", DIGIT_JOINER),
    (",:", SEPARATOR),
    (".", FULL_STOP),
    (";!?)", CLOSER),
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
    refused = refused_marks(kept.rules.added)
    if refused is None:
        return nothing
    return WordpieceTable(
        _kinds(_KINDS, refused),
        _slots(_entries(kept.columns(), kept.rules.prefix.encode())),
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


def _entries(pieces: Wordpieces, prefix: bytes) -> NDArray[np.uint64]:
    """What stands in slots: of each wordpiece, and once more of each that continues a word."""
    whole = _of_characters(pieces.characters, pieces.starts, pieces.ends, 2 * pieces.ids)
    head = _first(pieces.characters, pieces.starts, len(prefix))
    later = np.flatnonzero((head == [*prefix]).all(axis=1))
    starts, ends, ids = pieces.starts[later] + len(prefix), pieces.ends[later], pieces.ids[later]
    return np.concatenate([whole, _of_characters(pieces.characters, starts, ends, 2 * ids + 1)])


def _of_characters(
    characters: NDArray[np.uint8], starts: Places, ends: Places, values: Places
) -> NDArray[np.uint64]:
    """The entries of those that are neither empty nor too long."""
    fits = np.flatnonzero((starts < ends) & (ends - starts <= LONGEST_PIECE))
    inside = starts[fits, None] + np.arange(LONGEST_PIECE) < ends[fits, None]
    halves = (_first(characters, starts[fits], LONGEST_PIECE) * inside).view("<u8")
    return np.column_stack([halves, values[fits].astype(np.uint64)])


def _first(characters: NDArray[np.uint8], starts: Places, count: int) -> NDArray[np.uint8]:
    """So many characters from each start on; those beyond the end are the last."""
    at = starts[:, None] + np.arange(count)
    return np.take(characters, at, mode="clip")


def _slots(entries: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The slots of a table at most half full: linear probing, all wordpieces in turns."""
    bits = max(1, int(2 * len(entries) - 1).bit_length())
    mixed = entries & np.array([-1, -1, 1]).astype(np.uint64)
    mixed = mixed @ np.array(TABLE_FACTORS, dtype=np.uint64)
    at = (mixed >> np.uint64(64 - bits)).astype(np.intp)
    slots = np.zeros((1 << bits, 3), dtype=np.uint64)
    waiting = np.arange(len(entries))
    while len(waiting):
        free = waiting[slots[at[waiting], 0] == 0]
        slots[at[free]] = entries[free]  # of several, one stays
        placed = (slots[at[waiting]] == entries[waiting]).all(axis=1)
        waiting = waiting[~placed]
        at[waiting] = (at[waiting] + 1) % len(slots)
    return slots
