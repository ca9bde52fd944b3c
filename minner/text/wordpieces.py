"""From words to wordpieces."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.weights.tokenizer import WordPieces

Indices = NDArray[np.intp]

_SURROGATES = re.compile("[\ud800-\udfff]")


class Pieces(NamedTuple):
    """The wordpieces of a document, without special tokens.

    Attributes:
        ids: int32 `[n]`.
        words: int `[n]`, the word each wordpiece belongs to, never decreasing.
    """

    ids: NDArray[np.int32]
    words: Indices

    def first(self) -> tuple[Indices, Indices]:
        """The words that have wordpieces, ascending, and the first wordpiece of each: int `[w]`."""
        begins = np.ones(len(self.words), dtype=bool)
        np.not_equal(self.words[1:], self.words[:-1], out=begins[1:])
        places = np.flatnonzero(begins)
        return self.words[places], places


def without_surrogates(text: str) -> str:
    """Put U+FFFD for lone surrogates, which no UTF-8 and so no tokenizer takes; lengths stay."""
    # BERT's normalizer cleans U+FFFD away.
    return _SURROGATES.sub("\ufffd", text)


def encode_words(words: Sequence[str], vocabulary: WordPieces) -> Pieces:
    """Cut words into wordpieces.

    A word may give none: white space, or marks the model never saw.

    Raises:
        MinnerError: the tokenizer breaks down over them.
    """
    encoding = vocabulary.encode_words([without_surrogates(word) for word in words])
    return Pieces(
        np.array(encoding.ids, dtype=np.int32), np.array(encoding.word_ids, dtype=np.intp)
    )
