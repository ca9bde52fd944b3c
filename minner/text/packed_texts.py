"""Short texts as one batch: what the model takes, and where the words are, in columns.

No object is made for a word. Texts that do not fit a window go another way: see `minner/reader.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.sequences import Sequences, positions_of
from minner.text.word_table import UNKNOWN, Columns, WordTable
from minner.text.wordpieces import Indices
from minner.text.words import ahead_of

_FIELD = re.compile(r"\S+")


class PackedTexts(NamedTuple):
    """The wordpieces of D texts, and those of their words that have any, w in all.

    Attributes:
        ids: int32 `[n]`.
        bounds: int `[D + 1]`, where the wordpieces of each text begin, and the end.
        places: int `[w]`, the first wordpiece of each word.
        keys: int `[w]`, the key of the table that the word stands in, counted through all texts.
        spans: int `[w, 2]`, start and end of the word in its text.
    """

    ids: NDArray[np.int32]
    bounds: Indices
    places: Indices
    keys: Indices
    spans: NDArray[np.int_]

    def sequences(self, first: int, last: int) -> Sequences:
        """What the model takes: each text that has wordpieces, between special tokens."""
        counts = np.diff(self.bounds)
        counts = counts[counts > 0]
        text = np.arange(len(counts)).repeat(counts)
        places = np.arange(len(self.ids)) + 2 * text + 1
        bounds = np.concatenate([[0], np.cumsum(counts + 2)])
        ids = np.empty(bounds[-1], dtype=np.int32)
        ids[bounds[:-1]], ids[places], ids[bounds[1:] - 1] = first, self.ids, last
        return Sequences(ids, positions_of(bounds), bounds, places[self.places])


def pack_texts(texts: Sequence[str], table: WordTable) -> tuple[PackedTexts, WordTable]:
    """Cut texts.

    Args:
        texts: D texts.
        table: whose keys are fields, as `split_field` reads them.

    Returns:
        The wordpieces, and the table that they were found in.

    Raises:
        MinnerError: the tokenizer breaks down over them.
    """
    fields = [text.split() for text in texts]
    keys = list(chain.from_iterable(fields))
    ends = np.cumsum([0, *map(len, fields)])
    starts = _field_starts(texts, keys, ends)
    rows, table = table.look_up(keys)
    unknown = np.flatnonzero(rows == UNKNOWN)
    if len(unknown):
        begins = {*ends.tolist()}
        for place in unknown.tolist():
            is_last = place + 1 in begins
            keys[place] += " " if is_last else f" {ahead_of(keys[place + 1])}"
        rows[unknown], latest = table.look_up([keys[place] for place in unknown.tolist()])
        if latest is not table:
            rows, table = latest.look_up(keys)
    return _packed(rows, ends, starts, table.columns), table


def pack_words(
    sentences: Sequence[Sequence[str]], table: WordTable
) -> tuple[PackedTexts, WordTable]:
    """Cut lists of words; `keys` then are the numbers of words. The spans are within each word.

    Args:
        sentences: D lists of words.
        table: whose keys are words.

    Returns:
        As `pack_texts`.

    Raises:
        MinnerError: the tokenizer breaks down over them.
    """
    keys = list(chain.from_iterable(sentences))
    ends = np.cumsum([0, *map(len, sentences)])
    rows, table = table.look_up(keys)
    return _packed(rows, ends, np.zeros(len(keys), dtype=np.intp), table.columns), table


def _packed(rows: Indices, ends: Indices, starts: Indices, columns: Columns) -> PackedTexts:
    """The wordpieces of rows of a table; text d has those from `ends[d]`, at `starts` in it."""
    begins = columns.starts[rows]
    counts = columns.starts[rows + 1] - begins
    bounds = np.concatenate([[0], np.cumsum(counts)])
    source = np.arange(bounds[-1]) + (begins - bounds[:-1]).repeat(counts)
    places = np.flatnonzero(columns.first[source])
    keys = np.arange(len(rows)).repeat(counts)[places]
    spans = columns.spans[source[places]] + starts[keys, None]
    return PackedTexts(columns.ids[source], bounds[ends], places, keys, spans)


def _field_starts(texts: Sequence[str], fields: Sequence[str], ends: Indices) -> Indices:
    """Where each field begins in its text, int `[k]`."""
    lengths = np.fromiter(map(len, fields), dtype=np.intp, count=len(fields))
    # If there is one space between two fields, and none else.
    with_spaces = np.concatenate([[0], np.cumsum(lengths + 1)])
    starts: Indices = with_spaces[:-1] - with_spaces[ends[:-1]].repeat(np.diff(ends))
    spaced = np.diff(with_spaces[ends]) - 1
    sizes = np.fromiter(map(len, texts), dtype=np.intp, count=len(texts))
    for number in np.flatnonzero((sizes != spaced) & (spaced > 0)).tolist():
        begins = [match.start() for match in _FIELD.finditer(texts[number])]
        starts[ends[number] : ends[number + 1]] = begins
    return starts
