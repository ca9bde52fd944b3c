"""From tags to entities: where an entity begins, where it ends, and what stays outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from minner.decoding.chunks import Chunk, conlleval_chunks
from minner.entity import Entity
from minner.text.paragraphs import holds_paragraph_end
from minner.text.words import Span

_MARKS = frozenset("\"'`*_~\u201a\u201e")
_MARK_CATEGORIES = frozenset({"Pi", "Pf", "So", "Sk", "Mn", "Me", "Cf"})
"""Quotes, emoji with their modifiers, and what is invisible: marks around a name. One of the 38,647
names of CoNLL-2003 and WikiGold has such a word at an end, by mistake; many end with `!` or `)`."""

WORDS_AT_ONCE = 1 << 15
"""Words from which a text is decoded in several runs."""


def entities(
    text: str,
    spans: Sequence[Span],
    tags: Sequence[str],
    scores: NDArray[np.float32],
    chunks: Callable[[Sequence[str]], list[Chunk]] = conlleval_chunks,
) -> list[Entity]:
    """Join tagged words into entities.

    One that would reach over a blank line is cut there. Quotes, asterisks, emoji and the like at
    either end of a name are no part of it, whatever their tags say.

    Args:
        text: the text.
        spans: start and end, in code points, of each of the w words that have wordpieces. What
            stands between two of them belongs to an entity that holds both.
        tags: w tags.
        scores: float32 `[w]`, the probability of each tag.
        chunks: the rule that joins them; conlleval's reads IOB1 and IOB2.
    """
    return [*each_entity(text, spans, tags, scores, chunks)]


def each_entity(
    text: str,
    spans: Sequence[Span],
    tags: Sequence[str],
    scores: NDArray[np.float32],
    chunks: Callable[[Sequence[str]], list[Chunk]] = conlleval_chunks,
) -> Iterator[Entity]:
    """As `entities`, one by one: the chunks of a long text take as much memory as its entities."""
    for begin, stop in _stretches(tags):
        for label, first, last in chunks(tags[begin:stop]):
            yield from joined(text, spans, scores, label, range(begin + first, begin + last + 1))


def joined(
    text: str,
    spans: Sequence[Span],
    scores: NDArray[np.float32] | Sequence[float],
    label: str,
    words: range,
) -> Iterator[Entity]:
    """The entities that the words of one chunk make: cut at paragraphs, and without marks."""
    for part in _paragraphs(text, spans, words):
        own = _without_marks(text, spans, part)
        start, end = spans[own[0]][0], spans[own[-1]][1]
        score = sum(map(float, scores[own.start : own.stop])) / len(own)
        yield Entity(text[start:end], label, start, end, score)


def _stretches(tags: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Cut a long text into runs of words, first and last + 1, before an `O` or a `B-`.

    No rule joins such a word to the one before, so the chunks of the runs are those of the whole.
    """
    first = 0
    for word in range(WORDS_AT_ONCE, len(tags)):
        if word - first >= WORDS_AT_ONCE and (tags[word] == "O" or tags[word].startswith("B-")):
            yield first, word
            first = word
    yield first, len(tags)


def _paragraphs(text: str, spans: Sequence[Span], words: range) -> Iterator[range]:
    """The words of a chunk, cut where a paragraph ends."""
    begin = words.start
    for before, after in pairwise(words):
        if holds_paragraph_end(text[spans[before][1] : spans[after][0]]):
            yield range(begin, after)
            begin = after
    yield range(begin, words.stop)


def _without_marks(text: str, spans: Sequence[Span], words: range) -> range:
    """Words less those at either end that are nothing but marks; all of them where no other is."""
    first, last = words.start, words.stop
    while first < last and _is_mark(text, *spans[first]):
        first += 1
    while first < last and _is_mark(text, *spans[last - 1]):
        last -= 1
    return range(first, last) or words


def _is_mark(text: str, start: int, end: int) -> bool:
    return not text[start : start + 1].isalnum() and all(
        character in _MARKS or category(character) in _MARK_CATEGORIES
        for character in text[start:end]
    )
