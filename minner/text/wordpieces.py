"""From words to wordpieces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.weights.tokenizer import Vocabulary

Indices = NDArray[np.intp]

LONGEST_WORD = 10_000
"""Characters of a word that the tokenizer sees."""

CHARACTERS_PER_CALL = 100_000
"""Of the words that the tokenizer sees at once."""

_SURROGATES = re.compile("[\ud800-\udfff]")


class Wordpieces(NamedTuple):
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
    # BERT's normalizer cleans U+FFFD away; for the others it is a character like any other.
    return _SURROGATES.sub("\ufffd", text)


def encode_words(words: Iterable[str], vocabulary: Vocabulary) -> Wordpieces:
    """Cut words into wordpieces.

    A word may give none: white space, or marks the model never saw. Of a word of more than
    LONGEST_WORD characters the rest is left out: a run of letters and digits that long is unknown
    to any vocabulary as a whole, and what has marks in it is more than a model sees at once.

    Raises:
        MinnerError: the tokenizer breaks down over them.
    """
    ids, numbers, before = [], [], 0
    for stretch in _stretches(words):
        encoding = vocabulary.encode_words(stretch)
        ids.append(np.array(encoding.ids, dtype=np.int32))
        numbers.append(np.array(encoding.word_ids, dtype=np.intp) + before)
        before += len(stretch)
    if len(ids) == 1:
        return Wordpieces(ids[0], numbers[0])
    nothing = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.intp)
    return Wordpieces(np.concatenate([nothing[0], *ids]), np.concatenate([nothing[1], *numbers]))


def _stretches(words: Iterable[str]) -> Iterator[list[str]]:
    """Words in lists of some CHARACTERS_PER_CALL; the tokenizer takes 120 bytes for each."""
    stretch, characters = [], 0
    for word in words:
        stretch.append(word[:LONGEST_WORD])
        characters += len(stretch[-1]) + 1
        if characters >= CHARACTERS_PER_CALL:
            yield _encodable(stretch)
            stretch, characters = [], 0
    if stretch:
        yield _encodable(stretch)


def _encodable(words: list[str]) -> list[str]:
    has_surrogates = _SURROGATES.search("".join(words))
    return [without_surrogates(word) for word in words] if has_surrogates else words
