"""What callers pass: texts, lists of words, and streams of either, checked as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from minner.errors import MinnerError
from minner.text.words import Span, packed_if_long, word_spans


class Source(NamedTuple):
    """A text, and where its words are."""

    text: str
    spans: Sequence[Span]

    @property
    def words(self) -> Iterator[str]:
        """The words, one by one: all of a long text take ten times its memory."""
        return (self.text[start:end] for start, end in self.spans)


def iterate(items: Any, wanted: str) -> Iterator[Any]:
    """Iterate over a collection or stream.

    Raises:
        MinnerError: it is none, or one string, or a mapping, whose keys are hardly what was meant.
    """
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise MinnerError(f"expected {wanted}, not {type(items).__name__}")
    return iter(items)


def texts(items: Any) -> Iterator[str]:
    """The texts of a stream.

    Raises:
        MinnerError: it is no stream, or, when that is read, something in it is no string.
    """
    return map(text_of, iterate(items, "a list or stream of texts"))


def text_of(item: Any) -> str:
    """A text.

    Raises:
        MinnerError: it is no string.
    """
    if not isinstance(item, str):
        raise MinnerError(f"a text must be a string, not {type(item).__name__}")
    return item


def words_of(items: Any) -> list[str]:
    """A list of words.

    Raises:
        MinnerError: it is none.
    """
    words = list(iterate(items, "a list of words"))
    for word in words:
        if not isinstance(word, str):
            raise MinnerError(f"a word must be a string, not {type(word).__name__}")
    return words


def source_of(item: Any) -> Source:
    """A text with its words; a list of words stands for them joined by spaces.

    Raises:
        MinnerError: it is neither a string nor a list of strings.
    """
    if isinstance(item, str):
        return text_source(item)
    if isinstance(item, bytes | Mapping) or not isinstance(item, Iterable):
        raise MinnerError(
            f"a document must be a string or a list of words, not {type(item).__name__}"
        )
    return words_source(item)


def text_source(item: Any) -> Source:
    """A text, cut into words.

    Raises:
        MinnerError: it is no string.
    """
    text = text_of(item)
    return Source(text, word_spans(text))


def words_source(items: Any) -> Source:
    """Words, joined by spaces.

    Raises:
        MinnerError: they are no strings.
    """
    words = words_of(items)
    ends = accumulate(len(word) + 1 for word in words)
    spans = ((end - 1 - len(word), end - 1) for word, end in zip(words, ends, strict=True))
    text = " ".join(words)
    return Source(text, packed_if_long(spans, text))
