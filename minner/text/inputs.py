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


def texts(items: Any) -> Iterator[Source]:
    """The texts of a stream, with their words.

    Raises:
        MinnerError: it is no stream, or something in it is no string.
    """
    for item in iterate(items, "a list or stream of texts"):
        yield text_source(item)


def texts_or_words(items: Any) -> Iterator[Source]:
    """The texts of a stream, with their words; a list of words stands for them joined by spaces.

    Raises:
        MinnerError: it is no stream, or something in it is neither a string nor a list of strings.
    """
    for item in iterate(items, "a list or stream of texts"):
        if isinstance(item, str):
            yield text_source(item)
        elif isinstance(item, bytes | Mapping) or not isinstance(item, Iterable):
            raise MinnerError(
                f"a document must be a string or a list of words, not {type(item).__name__}"
            )
        else:
            yield words_source(item)


def text_source(text: Any) -> Source:
    """A text, cut into words.

    Raises:
        MinnerError: it is no string.
    """
    if not isinstance(text, str):
        raise MinnerError(f"a text must be a string, not {type(text).__name__}")
    return Source(text, word_spans(text))


def words_source(items: Any) -> Source:
    """Words, joined by spaces.

    Raises:
        MinnerError: they are no strings.
    """
    words = list(iterate(items, "a list of words"))
    for word in words:
        if not isinstance(word, str):
            raise MinnerError(f"a word must be a string, not {type(word).__name__}")
    ends = accumulate(len(word) + 1 for word in words)
    spans = ((end - 1 - len(word), end - 1) for word, end in zip(words, ends, strict=True))
    text = " ".join(words)
    return Source(text, packed_if_long(spans, text))
