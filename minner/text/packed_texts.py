"""Short texts as one batch: what the model takes, and where the words are, in columns.

No object is made for a word, but for those few that compiled code does not know how to cut. Texts
that do not fit a window go another way: see `minner/reader.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from minner.sequences import Sequences
from minner.text.word_table import UNKNOWN, Columns, WordTable
from minner.text.wordpieces import Indices
from minner.text.words import ahead_of


class Fields(NamedTuple):
    """The fields of D texts, F in all: see `kernels/fields.py`.

    Attributes:
        text_bounds: int64 `[D + 1]`, where each text begins, if they stand one after the other.
        places: int32 `[F, 3]`: start and end, counted through all texts; and how many wordpieces
            the field has, or NOT_CUT.
        ends: int32 `[D]`, fields up to the end of each text.
        ids: int32, the wordpieces of all fields that are cut, and some room.
    """

    text_bounds: NDArray[np.int64]
    places: NDArray[np.int32]
    ends: NDArray[np.int32]
    ids: NDArray[np.int32]

    @property
    def not_cut(self) -> Indices:
        """Which fields are not cut."""
        return (self.places[:, 2] < 0).nonzero()[0]


class PackedTexts(NamedTuple):
    """D texts as one batch, and those of their words that have wordpieces, w in all.

    Attributes:
        batch: what the model takes: each text that has wordpieces, between special tokens. Its
            rows are the first wordpieces of the words.
        counts: int64 `[D]`, wordpieces of each text.
        words: int64 `[D + 1]`, where the words of each text begin, and w.
        keys: int64 `[w]`, the field that each word stands in, counted through all texts.
        spans: int64 `[w, 2]`, start and end of the word in its text.
    """

    batch: Sequences
    counts: Indices
    words: Indices
    keys: Indices
    spans: NDArray[np.int64]


class Kernels(Protocol):
    """What cuts and packs fields: the class `FieldKernels`, which a start does not import."""

    def cut(self, texts: Sequence[str], joined: str) -> Fields:
        """See there, as for the others."""

    def uncut(self, counts: Sequence[int]) -> Fields: ...  # noqa: D102

    def pack(self, fields: Fields, rows: Indices, columns: Columns) -> PackedTexts: ...  # noqa: D102


def pack_texts(
    texts: Sequence[str], table: WordTable, kernels: Kernels
) -> tuple[PackedTexts, WordTable]:
    """Cut texts.

    Args:
        texts: D texts.
        table: whose keys are fields, as `split_field` reads them.
        kernels: of the same tokenizer.

    Returns:
        The texts, and the table that has the fields that the kernels left to it.

    Raises:
        MinnerError: the tokenizer breaks down over them.
    """
    joined = "".join(texts)
    fields = kernels.cut(texts, joined)
    others = fields.not_cut
    keys = [joined[start:end] for start, end in fields.places[others, :2].tolist()]
    rows, table = table.look_up(keys)
    unknown = (rows == UNKNOWN).nonzero()[0]
    if len(unknown):
        last = {*(fields.ends - 1).tolist()}
        for place in unknown.tolist():
            field = int(others[place])
            following = "" if field in last else joined[slice(*fields.places[field + 1, :2])]
            keys[place] += f" {ahead_of(following)}"
        rows[unknown], latest = table.look_up([keys[place] for place in unknown.tolist()])
        if latest is not table:
            rows, table = latest.look_up(keys)
    return kernels.pack(fields, rows, table.columns), table


def pack_words(
    sentences: Sequence[Sequence[str]], table: WordTable, kernels: Kernels
) -> tuple[PackedTexts, WordTable]:
    """Cut lists of words; `keys` then are the numbers of words. The spans are within each word.

    Args:
        sentences: D lists of words.
        table: whose keys are words.
        kernels: of the same tokenizer.

    Returns:
        As `pack_texts`.

    Raises:
        MinnerError: the tokenizer breaks down over them.
    """
    keys = list(chain.from_iterable(sentences))
    rows, table = table.look_up(keys)
    fields = kernels.uncut([*map(len, sentences)])
    return kernels.pack(fields, rows, table.columns), table
