"""From logits to tags, and from tags to entities."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from minner.chunks import Chunk, conlleval_chunks
from minner.entity import Entity
from minner.words import Span


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
) -> list[Entity]:
    """Join tagged words into entities, by default by conlleval's rule: it reads IOB1 and IOB2."""
    found = []
    probabilities = scores.tolist()
    for label, first, last in chunks(tags):
        start, end = spans[first][0], spans[last][1]
        ours = probabilities[first : last + 1]
        found.append(Entity(text[start:end], label, start, end, sum(ours) / len(ours)))
    return found
