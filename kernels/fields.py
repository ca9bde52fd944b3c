"""Texts into ids, for the fields that nearly all text consists of.

A field is what stands between white space; one that is a plain word and a mark after it, as in
`said,` or `Berlin.`, counts as two. Plain words are those of ASCII letters and digits, and such as
`AL-AIN`, `AT&T`, `1996-12-06` and `10,000`. `cut_fields` cuts these, and single marks, into
wordpieces: the longest that is in the vocabulary, again and again. Other fields go back to Python,
and `pack_fields` puts all together. Python's dictionaries and strings do the same, but right after
another kernel has been through the caches that takes ten times as long.

Both are plain scalar code, of one thread. They are compiled into the image of the forward pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray  # type: ignore[attr-defined]
from numba.extending import register_jitable

from minner.kernels.runtime.abi import INDEX, INT, pointer_at
from minner.kernels.runtime.text_calls import (
    CLOSER,
    DIGIT,
    DIGIT_JOINER,
    FULL_STOP,
    JOINER,
    LETTER,
    NOT_CUT,
    OTHER,
    PART,
    SEPARATOR,
    SHORTEST_BEFORE_STOP,
    SPACE,
    TABLE_FACTORS,
    CutCall,
    PackCall,
)

CUT = CutCall(*range(len(CutCall._fields)))
PACK = PackCall(*range(len(PackCall._fields)))

# Numbers whose types tell `pointer_at` what it points to, and 64-bit ones, which must not meet
# signed numbers: their sum would be a float.
BYTE, CHARACTER, LONG = np.uint8(0), np.uint32(0), np.uint64(0)
BITS_OF_CHARACTER, BITS = np.uint64(8), np.uint64(64)
LOW_FACTOR, HIGH_FACTOR, CONTINUED_FACTOR = map(np.uint64, TABLE_FACTORS)

ENDLESS = 1 << 40
"""The length that is given to arrays whose length nobody asks for."""


# ---- fields -> wordpieces -----------------------------------------------------------------------


@register_jitable
def cut_fields(call: Any) -> None:
    """Find the fields of texts, and cut those that are plain; `call` is a CutCall."""
    characters = carray(pointer_at(call, CUT.characters, CHARACTER), (ENDLESS,))
    bounds = carray(pointer_at(call, CUT.text_bounds, INDEX), (call[CUT.texts] + 1,))
    kinds = carray(pointer_at(call, CUT.kinds, BYTE), (call[CUT.kind_count],))
    fields = carray(pointer_at(call, CUT.fields, INT), (ENDLESS, 3))
    ends = carray(pointer_at(call, CUT.field_ends, INT), (call[CUT.texts],))
    ids = carray(pointer_at(call, CUT.ids, INT), (ENDLESS,))
    field, piece = 0, 0
    for text in range(call[CUT.texts]):
        at, end = bounds[text], bounds[text + 1]
        while True:
            while at < end and _kind(characters, kinds, at) == SPACE:
                at += 1
            if at == end:
                break
            start = at
            while at < end and _kind(characters, kinds, at) != SPACE:
                at += 1
            stop = _word_end(characters, kinds, start, at)
            while start < at:
                count = NOT_CUT
                if _is_plain(characters, kinds, start, stop):
                    count = _cut(call, characters, kinds, start, stop, ids, piece)
                    piece += max(count, 0)
                fields[field, 0], fields[field, 1], fields[field, 2] = start, stop, count
                field += 1
                start, stop = stop, at
        ends[text] = field


@register_jitable
def _kind(characters: Any, kinds: Any, at: int) -> int:
    character = characters[at]
    return kinds[character] if character < len(kinds) else OTHER


@register_jitable
def _in_run(kind: int) -> bool:
    """Whether it is a letter or digit: BERT cuts a word into runs of these, and single marks."""
    return kind in (LETTER, DIGIT)


@register_jitable
def _word_end(characters: Any, kinds: Any, start: int, end: int) -> int:
    """Where a field ends without the mark that ends it, if it is plain without that."""
    last, kind = end - 1, _kind(characters, kinds, end - 1)
    if last == start or kind < SEPARATOR or kind > CLOSER:
        return end
    if not _in_run(_kind(characters, kinds, last - 1)):
        return end  # as in `!!`, which is one word
    if kind == FULL_STOP and _kind(characters, kinds, last - 1) != DIGIT:
        before = max(start, last - SHORTEST_BEFORE_STOP)
        if last - before < SHORTEST_BEFORE_STOP:
            return end
        for at in range(before, last):
            if not _in_run(_kind(characters, kinds, at)):
                return end
    return last if _is_plain(characters, kinds, start, last) else end


@register_jitable
def _is_plain(characters: Any, kinds: Any, start: int, end: int) -> bool:
    """Whether a field is one word, and cut as BERT cuts it wherever it stands."""
    if end - start == 1:
        return _kind(characters, kinds, start) != OTHER
    before = OTHER
    for at in range(start, end):
        kind = _kind(characters, kinds, at)
        if not _in_run(kind):
            after = _kind(characters, kinds, at + 1) if at + 1 < end else OTHER
            joins = kind == PART or (kind == JOINER and _in_run(before) and _in_run(after))
            if kind >= DIGIT_JOINER and kind <= FULL_STOP:
                joins = before == DIGIT and after == DIGIT
            if not joins:
                return False
        before = kind
    return True


@register_jitable
def _cut(call: Any, characters: Any, kinds: Any, start: int, end: int, ids: Any, piece: int) -> int:
    """Write the wordpieces of a plain field from `ids[piece]` on; how many, or NOT_CUT."""
    first = piece
    while start < end:
        stop = start + 1
        if _in_run(_kind(characters, kinds, start)):
            while stop < end and _in_run(_kind(characters, kinds, stop)):
                stop += 1
        if stop - start > call[CUT.longest]:
            return NOT_CUT
        piece = _cut_run(call, characters, start, stop, ids, piece)
        start = stop
    return piece - first


@register_jitable
def _cut_run(call: Any, characters: Any, start: int, stop: int, ids: Any, piece: int) -> int:
    """Write the wordpieces of letters and digits, or of one mark; where the next ones go."""
    first, at = piece, start
    while at < stop:
        low, high = _halves(call, characters, at, stop)
        length, found = stop - at, -1
        while length > 0:
            found = _find(call, low, high, at > start)
            if found >= 0:
                break
            length -= 1
            if length >= 8:
                high &= _mask(length - 8)
            else:
                low, high = low & _mask(length), LONG
        if length == 0:
            ids[first] = call[CUT.unknown]
            return first + 1
        ids[piece] = found
        piece += 1
        at += length
    return piece


@register_jitable
def _mask(count: int) -> Any:
    """The first `count` of 8 characters, fewer than 8."""
    return (np.uint64(1) << (np.uint64(count) * BITS_OF_CHARACTER)) - np.uint64(1)


@register_jitable
def _halves(call: Any, characters: Any, start: int, stop: int) -> Any:
    """Characters as two uint64, the first in the lowest bits."""
    low, high = LONG, LONG
    for at in range(start, stop):
        character = np.uint64(characters[at])
        if call[CUT.lowercase] != 0 and 65 <= characters[at] <= 90:
            character |= np.uint64(32)
        place = np.uint64(at - start)
        if place < np.uint64(8):
            low |= character << (place * BITS_OF_CHARACTER)
        else:
            high |= character << ((place - np.uint64(8)) * BITS_OF_CHARACTER)
    return low, high


@register_jitable
def _find(call: Any, low: Any, high: Any, continued: bool) -> Any:
    """The id of a wordpiece, or -1; linear probing."""
    bits = np.uint64(call[CUT.slot_bits])
    slots = carray(pointer_at(call, CUT.slots, LONG), (1 << call[CUT.slot_bits], 3))
    flag = np.uint64(continued)
    mixed = low * LOW_FACTOR + high * HIGH_FACTOR + flag * CONTINUED_FACTOR
    at = np.int64(mixed >> (BITS - bits))
    while slots[at, 0] != LONG:
        if slots[at, 0] == low and slots[at, 1] == high and (slots[at, 2] & np.uint64(1)) == flag:
            return np.int64(slots[at, 2] >> np.uint64(1))
        at = (at + 1) & (len(slots) - 1)
    return -1


# ---- wordpieces -> a batch ----------------------------------------------------------------------


@register_jitable
def pack_fields(call: Any) -> None:
    """Put the wordpieces of all fields together; `call` is a PackCall."""
    bounds = carray(pointer_at(call, PACK.text_bounds, INDEX), (call[PACK.texts] + 1,))
    fields = carray(pointer_at(call, PACK.fields, INT), (ENDLESS, 3))
    ends = carray(pointer_at(call, PACK.field_ends, INT), (call[PACK.texts],))
    cut_ids = carray(pointer_at(call, PACK.cut_ids, INT), (ENDLESS,))
    rows = carray(pointer_at(call, PACK.rows, INDEX), (ENDLESS,))
    row_starts = carray(pointer_at(call, PACK.row_starts, INDEX), (ENDLESS,))
    row_ids = carray(pointer_at(call, PACK.row_ids, INT), (ENDLESS,))
    row_first = carray(pointer_at(call, PACK.row_first, BYTE), (ENDLESS,))
    row_spans = carray(pointer_at(call, PACK.row_spans, INT), (ENDLESS, 2))
    ids = carray(pointer_at(call, PACK.ids, INT), (ENDLESS,))
    sequences = carray(pointer_at(call, PACK.bounds, INDEX), (call[PACK.texts] + 1,))
    counts = carray(pointer_at(call, PACK.counts, INDEX), (call[PACK.texts],))
    first_words = carray(pointer_at(call, PACK.first_words, INDEX), (call[PACK.texts] + 1,))
    places = carray(pointer_at(call, PACK.places, INDEX), (ENDLESS,))
    keys = carray(pointer_at(call, PACK.keys, INDEX), (ENDLESS,))
    spans = carray(pointer_at(call, PACK.spans, INDEX), (ENDLESS, 2))

    field, taken, row, word, begin, sequence = 0, 0, 0, 0, 0, 0
    sequences[0] = 0
    for text in range(call[PACK.texts]):
        first_words[text] = word
        origin, at = bounds[text], begin + 1
        while field < ends[text]:
            start = fields[field, 0] - origin
            if fields[field, 2] != NOT_CUT:
                places[word], keys[word] = at, field
                spans[word, 0], spans[word, 1] = start, fields[field, 1] - origin
                word += 1
                for _ in range(fields[field, 2]):
                    ids[at] = cut_ids[taken]
                    taken += 1
                    at += 1
            else:
                for piece in range(row_starts[rows[row]], row_starts[rows[row] + 1]):
                    if row_first[piece] != 0:
                        places[word], keys[word] = at, field
                        spans[word, 0] = start + row_spans[piece, 0]
                        spans[word, 1] = start + row_spans[piece, 1]
                        word += 1
                    ids[at] = row_ids[piece]
                    at += 1
                row += 1
            field += 1
        counts[text] = at - begin - 1
        if counts[text] > 0:
            ids[begin], ids[at] = call[PACK.before], call[PACK.after]
            begin = at + 1
            sequence += 1
            sequences[sequence] = begin
    first_words[call[PACK.texts]] = word
