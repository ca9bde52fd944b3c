"""From logits to tags, and from tags to entities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from minner.chunks import Chunk, conlleval_chunks
from minner.entity import Entity
from minner.paragraphs import holds_paragraph_end
from minner.words import Span

_MARKS = frozenset("\"'`*_~\u201a\u201e")
_MARK_CATEGORIES = frozenset({"Pi", "Pf", "So", "Sk", "Mn", "Me", "Cf"})
"""Quotes, emoji with their modifiers, and what is invisible: marks around a name. One of the 38,647
names of CoNLL-2003 and WikiGold has such a word at an end, by mistake; many end with `!` or `)`."""


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities along the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True), dtype=np.float32)


def word_tags(
    logits: NDArray[np.float32], seen: NDArray[np.intp], count: int, labels: Sequence[str]
) -> tuple[list[str], NDArray[np.float32]]:
    """Tag each word by its first piece.

    Args:
        logits: float32 `[w, C]`, of the first pieces of words.
        seen: int `[w]`, which words these are.
        count: W, how many words there are.
        labels: C label strings.

    Returns:
        W tags, and float32 `[W]`, the probability of each. A word without pieces is `O` for sure.
    """
    tags = ["O"] * count
    scores = np.ones(count, dtype=np.float32)
    if len(seen):
        probabilities = softmax(logits)
        scores[seen] = probabilities.max(axis=1)
        for word, best in zip(seen.tolist(), probabilities.argmax(axis=1).tolist(), strict=True):
            tags[word] = labels[best]
    return tags, scores


def entities(
    text: str,
    spans: Sequence[Span],
    tags: Sequence[str],
    scores: NDArray[np.float32],
    chunks: Callable[[Sequence[str]], list[Chunk]] = conlleval_chunks,
    seen: NDArray[np.intp] | None = None,
) -> list[Entity]:
    """Join tagged words into entities.

    One that would reach over a blank line is cut there. Quotes, asterisks, emoji and the like at
    either end of a name are no part of it, whatever their tags say.

    Args:
        text: the text.
        spans: start and end of each of its W words, in code points.
        tags: W tags.
        scores: float32 `[W]`, the probability of each tag.
        chunks: the rule that joins them; conlleval's reads IOB1 and IOB2.
        seen: int `[w]`, ascending, the words that have wordpieces; all where it is None. The others
            are as good as absent, but the text of an entity reaches over them.
    """
    found = []
    words, probabilities = range(len(spans)) if seen is None else seen.tolist(), scores.tolist()
    for label, first, last in chunks([tags[word] for word in words]):
        for part in _paragraphs(text, spans, words[first : last + 1]):
            inside = _without_marks(text, spans, part)
            start, end = spans[inside[0]][0], spans[inside[-1]][1]
            score = sum(probabilities[word] for word in inside) / len(inside)
            found.append(Entity(text[start:end], label, start, end, score))
    return found


def _paragraphs(text: str, spans: Sequence[Span], words: Sequence[int]) -> Iterator[Sequence[int]]:
    """The words of a chunk, cut where a paragraph ends."""
    begin = 0
    for place, (before, after) in enumerate(pairwise(words), start=1):
        if holds_paragraph_end(text[spans[before][1] : spans[after][0]]):
            yield words[begin:place]
            begin = place
    yield words[begin:]


def _without_marks(text: str, spans: Sequence[Span], words: Sequence[int]) -> Sequence[int]:
    """Words less those at either end that are nothing but marks; all of them where no other is."""
    first, last = 0, len(words)
    while first < last and _is_mark(text, *spans[words[first]]):
        first += 1
    while first < last and _is_mark(text, *spans[words[last - 1]]):
        last -= 1
    return words[first:last] or words


def _is_mark(text: str, start: int, end: int) -> bool:
    return not text[start : start + 1].isalnum() and all(
        character in _MARKS or category(character) in _MARK_CATEGORIES
        for character in text[start:end]
    )
