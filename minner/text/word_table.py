"""A table of what white space separates in texts, with its words and their wordpieces.

Most fields of a text stood in a text before. A field is cut the same wherever it stands, but for
one that ends like `J.` or `Mr.`: whether the dot is part of the name depends on what follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain, count, repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.text.wordpieces import Cutter, Indices, encode_words
from minner.text.words import Span

MOST_ROWS = 1 << 15
"""Rows of a table that goes on learning."""

MOST_CHARACTERS = 1 << 19
"""Of the keys of such a table: with MOST_ROWS, it takes some 8 MB."""


UNKNOWN = 0
"""The row, which is empty, of a key that does not tell its words."""

MISSING = -1
"""In the place of the row of a key that is not known."""

Split = Callable[[str], list[Span] | None]


class Columns(NamedTuple):
    """The wordpieces of all rows of a table, one row after the other.

    Attributes:
        starts: int `[R + 1]`, where the wordpieces of each row begin, and the end of the last.
        ids: int32 `[n]`.
        first: bool `[n]`, whether it is the first of a word.
        spans: int32 `[n, 2]`, start and end of its word, in code points of the key.
    """

    starts: Indices
    ids: NDArray[np.int32]
    first: NDArray[np.bool_]
    spans: NDArray[np.int32]

    def then(self, other: Columns) -> Columns:
        """The rows of both."""
        return Columns(
            np.concatenate([self.starts, len(self.ids) + other.starts[1:]]),
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.first, other.first]),
            np.concatenate([self.spans, other.spans]),
        )


_NO_WORDS = Columns(
    np.zeros(2, dtype=np.intp),
    np.empty(0, dtype=np.int32),
    np.empty(0, dtype=np.bool_),
    np.empty((0, 2), dtype=np.int32),
)
"""The row UNKNOWN."""


def _of_plain_words(words: Mapping[str, tuple[int, ...]]) -> Columns:
    """A row for each plain word, which has one wordpiece at least."""
    counts = np.fromiter(map(len, words.values()), dtype=np.intp)
    starts = np.concatenate([[0], np.cumsum(counts)])
    ids = np.fromiter(chain.from_iterable(words.values()), dtype=np.int32)
    first = np.zeros(len(ids), dtype=np.bool_)
    first[starts[:-1]] = True
    spans = np.zeros((len(ids), 2), dtype=np.int32)
    spans[:, 1] = np.fromiter(map(len, words), dtype=np.int32).repeat(counts)
    return Columns(starts, ids, first, spans)


def _of_keys(split: Mapping[str, list[Span]], vocabulary: Cutter) -> Columns:
    """A row for each key, given where its words are."""
    words = [key[start:end] for key, spans in split.items() for start, end in spans]
    wordpieces = encode_words(words, vocabulary)
    first = np.zeros(len(wordpieces.ids), dtype=np.bool_)
    first[wordpieces.first()[1]] = True
    flat = chain.from_iterable(chain.from_iterable(split.values()))
    spans = np.fromiter(flat, dtype=np.int32).reshape(-1, 2)[wordpieces.words]
    word_ends = np.fromiter(accumulate(map(len, split.values()), initial=0), dtype=np.intp)
    return Columns(np.searchsorted(wordpieces.words, word_ends), wordpieces.ids, first, spans)


class WordTable:
    """Keys and their wordpieces.

    It needs no lock, which a signal handler or a forked process could find taken for ever. Who
    takes the pen may add to the table. Who finds it taken writes into a copy, which has a new pen.
    """

    def __init__(self, vocabulary: Cutter, split: Split) -> None:
        """Make an empty table.

        Args:
            vocabulary: what cuts words.
            split: where the words of a key are; None where the key alone does not tell. A key of
                ASCII letters and digits is one word.
        """
        self._vocabulary, self._split = vocabulary, split
        self._pen = ["pen"]
        self._rows: dict[str, int] = {}
        self._characters = 0
        self.columns = _NO_WORDS

    def __len__(self) -> int:
        return len(self._rows)

    def look_up(self, keys: Sequence[str]) -> tuple[Indices, WordTable]:
        """Find the row of each key.

        Returns:
            int `[k]`, and the table that has them all: this one, or the next to use.

        Raises:
            MinnerError: the tokenizer breaks down over a new key.
        """
        rows = self._find(keys)
        new = (rows == MISSING).nonzero()[0]
        if not len(new):
            return rows, self
        table = self._to_write()
        if table is not self:
            new = np.arange(len(keys))
        missing = [keys[place] for place in new.tolist()]
        table._learn([key for key in dict.fromkeys(missing) if key not in table._rows])
        table._pen.append("pen")
        rows[new] = table._find(missing)
        return rows, table

    def _find(self, keys: Sequence[str]) -> Indices:
        found = map(self._rows.get, keys, repeat(MISSING))
        return np.fromiter(found, dtype=np.intp, count=len(keys))

    def _to_write(self) -> WordTable:
        """A table that is not full, whose pen we have: this one, a copy, or an empty one."""
        table = self
        if len(self) > MOST_ROWS or self._characters > MOST_CHARACTERS:
            table = WordTable(self._vocabulary, self._split)
        try:
            table._pen.pop()
        except IndexError:
            table = WordTable(self._vocabulary, self._split)
            table._pen.pop()
            # In the opposite order of `_learn`: so there are columns for all rows.
            table._rows, table._characters = self._rows.copy(), self._characters
            table.columns = self.columns
        return table

    def _learn(self, keys: Sequence[str]) -> None:
        words = [key for key in keys if key.isascii() and key.isalnum()]
        plain = self._vocabulary.plain_words(words) if words else {}
        others = {key: self._split(key) for key in keys if key not in plain}
        split = {key: spans for key, spans in others.items() if spans is not None}
        rows = dict.fromkeys(others, UNKNOWN)
        rows.update(zip(chain(plain, split), count(len(self.columns.starts) - 1), strict=False))
        if plain:
            self.columns = self.columns.then(_of_plain_words(plain))
        if split:
            self.columns = self.columns.then(_of_keys(split, self._vocabulary))
        self._rows.update(rows)
        self._characters += sum(map(len, keys))
