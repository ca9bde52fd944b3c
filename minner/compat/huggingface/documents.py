"""From a text, or from words, to wordpieces with their places in the text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from minner.compat.huggingface.aggregation import Piece
from minner.pieces import without_surrogates
from minner.weights.tokenizer import WordPieces


class Document(NamedTuple):
    """A text in pieces, without special tokens.

    Attributes:
        pieces: all of them, however many the model takes at once.
        ids: of the same pieces, for the model.
    """

    pieces: list[Piece]
    ids: list[int]


def read_text(text: str, vocabulary: WordPieces) -> Document:
    """Cut a text into pieces. The tokenizer finds the words: every punctuation mark is one."""
    clean = without_surrogates(text)
    encoding = vocabulary.encode_text(clean)
    return _document(clean, encoding.ids, encoding.offsets, vocabulary)


def read_words(words: Sequence[str], delimiter: str, vocabulary: WordPieces) -> Document:
    """Cut words into pieces, placed in the text where `delimiter` stands between the words."""
    clean = [without_surrogates(word) for word in words]
    encoding: Any = vocabulary.encode_words(clean)
    shifts = [0, *accumulate(len(word) + len(delimiter) for word in words)]
    offsets = [
        (shifts[word] + start, shifts[word] + end)
        for word, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True)
    ]
    text = without_surrogates(delimiter).join(clean)
    return _document(text, encoding.ids, offsets, vocabulary)


def _document(
    text: str, ids: list[int], offsets: Iterable[tuple[int, int]], vocabulary: WordPieces
) -> Document:
    """Name the pieces, and tell which of them continue a word.

    In transformers a piece does so if it is not as long as the text that it stands for, which is
    how it knows `##ing`. So does a piece whose length the tokenizer has changed, by dropping an
    accent that is a code point of its own. An unknown piece never does.
    """
    tokenizer: Any = vocabulary.tokenizer
    unknown = tokenizer.token_to_id(tokenizer.model.unk_token)
    pieces = []
    for index, (start, end) in zip(ids, offsets, strict=True):
        here = text[start:end]
        word = here if index == unknown else tokenizer.id_to_token(index)
        pieces.append(Piece(word, start, end, continues=len(word) != len(here)))
    return Document(pieces, ids)
