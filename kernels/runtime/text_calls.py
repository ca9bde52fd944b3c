"""What the kernels of `fields.py` work on: int64 in this order, some of them addresses."""

from __future__ import annotations

from typing import NamedTuple

CUT_FIELDS, PACK_FIELDS = -1, -2
"""In the place of a thread's rank: which kernel of `fields.py` the native function runs."""

OTHER, SPACE, LETTER, DIGIT, JOINER, DIGIT_JOINER, SEPARATOR, FULL_STOP, CLOSER, MARK, PART = range(
    11
)
"""Kinds of characters. A joiner stands between letters or digits; a digit joiner, a separator and a
full stop between digits; a part anywhere. A separator, a full stop and a closer may also end a
field, where they are words of their own. All of them, and a mark, also stand alone. What has any
other character in it is for Python. Their order counts: a range of kinds is compared as numbers."""

SHORTEST_BEFORE_STOP = 5
"""Letters and digits that end with a full stop and are no abbreviation such as `Prof.`."""

LONGEST_PIECE = 16
"""Characters of the longest wordpiece in the table: a slot holds them in two uint64."""

TABLE_FACTORS = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
"""Odd numbers that the two halves of a wordpiece, and whether it continues a word, are multiplied
by; the top bits of the sum, modulo 2^64, are its slot."""


class CutCall(NamedTuple):
    """Texts, to be cut into fields, and plain fields into wordpieces: see `fields.py`."""

    characters: int  # uint32 [n], the code points of all texts
    text_bounds: int  # int64 [D + 1], where each text begins, and n
    texts: int  # D
    kinds: int  # uint8 [K], of the first K code points; all others are OTHER
    kind_count: int  # K
    slots: int  # uint64 [2^b, 3], wordpieces: see `weights/wordpiece_table.py`
    slot_bits: int  # b
    lowercase: int  # whether a wordpiece is looked for in lower case
    unknown: int  # the id of what cannot be cut
    longest: int  # characters of the longest run of letters and digits that is cut here
    fields: int  # int32 [n, 3], out: start and end in `characters`, wordpieces or NOT_CUT
    field_ends: int  # int32 [D], out: fields up to the end of each text
    ids: int  # int32 [n], out: the wordpieces of all fields that are cut


NOT_CUT = -1
"""In the place of a number of wordpieces: the field is for Python."""


class PackCall(NamedTuple):
    """Fields, cut by `cut_fields` or by Python, to become one batch of the model."""

    text_bounds: int  # as in CutCall
    texts: int  # D
    fields: int  # as in CutCall
    field_ends: int  # as in CutCall
    cut_ids: int  # int32, the `ids` of CutCall
    rows: int  # int64, the row of each field that is NOT_CUT in the arrays that follow
    row_starts: int  # int64 [R + 1], where the wordpieces of each row begin
    row_ids: int  # int32 [m]
    row_first: int  # uint8 [m], whether it is the first wordpiece of a word
    row_spans: int  # int32 [m, 2], start and end of its word within the field
    before: int  # the id of the special token before a text
    after: int  # and after it
    ids: int  # int32 [T], out: the wordpieces of the texts that have any, special tokens around
    bounds: int  # int64 [S + 1], out: where each of them begins in `ids`, and T
    counts: int  # int64 [D], out: wordpieces of each text
    first_words: int  # int64 [D + 1], out: where the words of each text begin, and w
    places: int  # int64 [w], out: the first wordpiece of each word, in `ids`
    keys: int  # int64 [w], out: the field that each word stands in
    spans: int  # int64 [w, 2], out: where the word is in its text
