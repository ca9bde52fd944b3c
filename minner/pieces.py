"""From words to wordpieces, and from a long document to windows that fit the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.weights.tokenizer import WordPieces

Ids = NDArray[np.int32]

_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Pieces(NamedTuple):
    """The wordpieces of a document, without special tokens.

    Attributes:
        ids: int32 `[n]`.
        words: int `[n]`, the word each piece belongs to, never decreasing.
    """

    ids: Ids
    words: NDArray[np.intp]

    def first(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The words that have pieces, ascending, and the first piece of each: int `[w]`."""
        begins = np.ones(len(self.words), dtype=bool)
        np.not_equal(self.words[1:], self.words[:-1], out=begins[1:])
        places = np.flatnonzero(begins)
        return self.words[places], places


class Window(NamedTuple):
    """A run of pieces that the model sees at once, and the part of it whose logits are kept."""

    start: int
    end: int
    keep_start: int
    keep_end: int


def without_surrogates(text: str) -> str:
    """Put U+FFFD for lone surrogates, which no UTF-8 and so no tokenizer takes; lengths stay."""
    # BERT's normalizer cleans U+FFFD away.
    return _SURROGATES.sub("\ufffd", text)


def encode_words(words: Sequence[str], vocabulary: WordPieces) -> Pieces:
    """Cut words into pieces. A word may give none: white space, or marks the model never saw.

    Raises:
        MinnerError: the tokenizer breaks down over them.
    """
    encoding = vocabulary.encode_words([without_surrogates(word) for word in words])
    return Pieces(
        np.array(encoding.ids, dtype=np.int32), np.array(encoding.word_ids, dtype=np.intp)
    )


def windows(words: NDArray[np.intp], size: int) -> list[Window]:
    """Cover a document's pieces with overlapping windows of at most `size` pieces.

    Neighbours overlap by a quarter. Each word is kept from the window in which it stands
    furthest from an edge, so the cut between two windows lies near the middle of their overlap,
    beside a word.

    Args:
        words: int `[n]`, the word of each piece.
        size: pieces per window, special tokens not counted; at least 1.
    """
    count = len(words)
    overlap = size // 4
    starts = range(0, max(count - overlap, 1), size - overlap)
    cuts = [0, *(_cut(words, start, start + overlap) for start in starts[1:]), count]
    return [
        Window(start, min(start + size, count), cuts[i], cuts[i + 1])
        for i, start in enumerate(starts)
    ]


def _cut(words: NDArray[np.intp], start: int, end: int) -> int:
    """Where to cut the overlap `[start, end)` of two windows: beside the word in its middle."""
    middle = (start + end) // 2
    word_start, word_end = (int(np.searchsorted(words, words[middle], side)) for side in _SIDES)
    room_in_later, room_in_earlier = word_start - start, end - word_end
    if room_in_later < 0 and room_in_earlier < 0:
        return middle  # a word longer than the overlap: it is scored by its first piece
    return word_start if room_in_later >= room_in_earlier else word_end
