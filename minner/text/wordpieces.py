"""From words to wordpieces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]

LONGEST_WORD = 10_000
"""Characters of a word that the tokenizer sees."""

CHARACTERS_PER_CALL = 10_000
"""Of the words that the tokenizer sees at once. A tokenizer.json may make 16 times as many of them,
of 1.5 kB each (see `minner.weights.growth`)."""

WORDS_PER_LOOK = 1000
"""Words that are looked at together: fewer characters than CHARACTERS_PER_CALL, as a rule."""

MOST_KNOWN = 1 << 15
"""Words that are remembered with their wordpieces, in some 8 MB; beyond it, all are forgotten."""

LONGEST_KNOWN = 40
"""Characters of a word that is remembered."""

Known = dict[str, tuple[int, ...]]
"""The ids of words."""

_SURROGATES = "[\ud800-\udfff]"


class Cutter(Protocol):
    """What cuts words: an `Encoder`, or the `Vocabulary` in it."""

    def cut(self, words: Sequence[str]) -> list[tuple[int, ...]]:
        """The ids of each word."""

    def plain_words(self, words: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """The ids of those words that are plain, in less time."""


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
    return re.sub(_SURROGATES, "\ufffd", text)


def encode_words(
    words: Iterable[str], vocabulary: Cutter, known: Known | None = None
) -> Wordpieces:
    """Cut words into wordpieces.

    A word may give none: white space, or marks the model never saw. Of a word of more than
    LONGEST_WORD characters the rest is left out: a run of letters and digits that long is unknown
    to any vocabulary as a whole, and what has marks in it is more than a model sees at once.

    Args:
        words: the words.
        vocabulary: what cuts them, each by itself.
        known: words that were cut before; it learns the new ones. A look-up takes a fiftieth of
            the time that the tokenizer takes for a word.

    Raises:
        MinnerError: the tokenizer breaks down over them.
    """
    known = {} if known is None else known
    ids, counts = [], []
    for stretch in _stretches(words):
        cut = _cut(stretch, vocabulary, known)
        counts.append(np.fromiter(map(len, cut), dtype=np.intp, count=len(cut)))
        ids.append(np.fromiter(chain.from_iterable(cut), dtype=np.int32))
    if len(ids) != 1:
        ids = [np.concatenate([np.empty(0, dtype=np.int32), *ids])]
        counts = [np.concatenate([np.empty(0, dtype=np.intp), *counts])]
    return Wordpieces(ids[0], np.arange(len(counts[0])).repeat(counts[0]))


def _cut(words: Sequence[str], vocabulary: Cutter, known: Known) -> list[tuple[int, ...]]:
    """The ids of each word."""
    try:
        return [known[word] for word in words]
    except KeyError:
        # Another thread may be learning as well: what is taken here does not rely on `known`.
        ours = {word: ids for word in words if (ids := known.get(word)) is not None}
    unknown = [word for word in dict.fromkeys(words) if word not in ours]
    new = dict(zip(unknown, vocabulary.cut(_encodable(unknown)), strict=True))
    if len(known) + len(new) > MOST_KNOWN:
        known.clear()
    known.update((word, ids) for word, ids in new.items() if len(word) <= LONGEST_KNOWN)
    ours |= new
    return [ours[word] for word in words]


def _stretches(words: Iterable[str]) -> Iterator[list[str]]:
    """Words in lists of some CHARACTERS_PER_CALL, and less than one more word."""
    words = iter(words)
    while some := list(islice(words, WORDS_PER_LOOK)):
        if sum(map(len, some)) <= LONGEST_WORD:
            yield some
        else:
            yield from _short_stretches(some)


def _short_stretches(words: Sequence[str]) -> Iterator[list[str]]:
    stretch, characters = [], 0
    for word in words:
        stretch.append(word[:LONGEST_WORD])
        characters += len(stretch[-1]) + 1
        if characters >= CHARACTERS_PER_CALL:
            yield stretch
            stretch, characters = [], 0
    if stretch:
        yield stretch


def _encodable(words: Sequence[str]) -> Sequence[str]:
    if all(map(str.isascii, words)):
        return words
    has_surrogates = re.search(_SURROGATES, "".join(words))
    return [without_surrogates(word) for word in words] if has_surrogates else words
