"""The kernels of `kernels/fields.py`, given texts: what stands between white space, and its ids."""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Sequence
from itertools import accumulate, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minner.kernels.codegen.loader import Forward
from minner.kernels.runtime.text_calls import (
    CUT_FIELDS,
    JOINER,
    NOT_CUT,
    OTHER,
    PACK_FIELDS,
    PART,
    SPACE,
    CutCall,
    PackCall,
)
from minner.sequences import Sequences
from minner.text.packed_texts import Fields, PackedTexts
from minner.text.word_table import Columns
from minner.text.wordpieces import Indices
from minner.weights.wordpiece_table import WordpieceTable

_NOTHING = ctypes.c_char * 0


class FieldKernels:
    """The kernels, for one tokenizer. They need no lock: each call has memory of its own."""

    def __init__(self, native: Forward, table: WordpieceTable, first: int, last: int) -> None:
        """Take compiled code, wordpieces, and the special tokens before and after a text."""
        self._native, self._table, self._ends = native, table, (first, last)
        self._kinds = table.kinds
        # In what is one word already, white space is for Python, and marks may stand anywhere.
        in_words = np.where(table.kinds == SPACE, OTHER, table.kinds)
        self._kinds_in_words = np.where(in_words >= JOINER, PART, in_words).astype(np.uint8)
        self._slots = table.slots.ctypes.data, len(table.slots).bit_length() - 1

    def cut(self, texts: Sequence[str], joined: str) -> Fields:
        """Find the fields of texts, and cut those that are plain.

        Args:
            texts: D texts.
            joined: the same, one after the other.
        """
        return self._cut(texts, joined, self._kinds)

    def cut_words(self, words: Sequence[str]) -> list[tuple[int, ...] | None]:
        """The ids of each word of printable ASCII; None for other words, and some long ones."""
        fields = self._cut(words, "".join(words), self._kinds_in_words)
        ids, counts = iter(fields.ids.tolist()), iter(fields.places[:, 2].tolist())
        return [
            tuple(islice(ids, count)) if word and (count := next(counts)) != NOT_CUT else None
            for word in words
        ]

    def _cut(self, texts: Sequence[str], joined: str, kinds: NDArray[np.uint8]) -> Fields:
        bounds = np.fromiter(accumulate(map(len, texts), initial=0), np.int64, len(texts) + 1)
        characters = joined.encode("utf-32-le", "surrogatepass")
        places = np.empty((len(joined), 3), dtype=np.int32)
        ends, ids = np.empty(len(texts), dtype=np.int32), np.empty(len(joined), dtype=np.int32)
        table = self._table
        self._run(
            CUT_FIELDS,
            CutCall(
                np.frombuffer(characters, dtype=np.uint8).ctypes.data,
                _address(bounds),
                len(texts),
                _address(kinds),
                len(kinds),
                *self._slots,
                table.lowercase,
                table.unknown,
                table.longest,
                *map(_address, (places, ends, ids)),
            ),
        )
        count = int(ends[-1]) if len(ends) else 0
        return Fields(bounds, places[:count], ends, ids)

    def uncut(self, counts: Sequence[int]) -> Fields:
        """As many fields for each text, of which none is cut; they begin at 0, and so do texts."""
        places = np.zeros((sum(counts), 3), dtype=np.int32)
        places[:, 2] = NOT_CUT
        bounds, ids = np.zeros(len(counts) + 1, dtype=np.int64), np.empty(0, dtype=np.int32)
        return Fields(bounds, places, np.cumsum(counts, dtype=np.int32), ids)

    def pack(self, fields: Fields, rows: Indices, columns: Columns) -> PackedTexts:
        """Put the wordpieces of all fields together.

        Args:
            fields: what is to be put together.
            rows: the row of each field that is not cut.
            columns: whose rows these are.
        """
        texts = len(fields.ends)
        most = len(fields.ids) + int((columns.starts[rows + 1] - columns.starts[rows]).sum())
        ids = np.empty(most + 2 * texts, dtype=np.int32)
        bounds, counts, words = np.empty((3, texts + 1), dtype=np.int64)
        places, keys = np.empty((2, most), dtype=np.int64)
        spans = np.empty((most, 2), dtype=np.int64)
        self._run(
            PACK_FIELDS,
            PackCall(
                _address(fields.text_bounds),
                texts,
                _address(fields.places),
                _address(fields.ends),
                _address(fields.ids),
                _address(rows),
                _address(columns.starts),
                _address(columns.ids),
                _address(columns.first),
                _address(columns.spans),
                *self._ends,
                *map(_address, (ids, bounds, counts, words, places, keys, spans)),
            ),
        )
        counts = counts[:texts]
        sequences = int(np.count_nonzero(counts))
        tokens, count = int(bounds[sequences]), int(words[-1])
        batch = Sequences(ids[:tokens], bounds[: sequences + 1].tolist(), places[:count])
        return PackedTexts(batch, counts, words, keys[:count], spans[:count])

    def _run(self, kernel: int, call: CutCall | PackCall) -> None:
        arguments = array("q", call)  # int64
        self._native(arguments.buffer_info()[0], kernel, 0)


def _address(values: Any) -> int:
    """Where a writable array begins, in a quarter of the time that `values.ctypes.data` takes."""
    return ctypes.addressof(_NOTHING.from_buffer(values))
