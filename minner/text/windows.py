"""From a document of any length to windows that fit the model's positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.text.wordpieces import Indices, Wordpieces

_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


class Window(NamedTuple):
    """A run of wordpieces that the model sees at once, and the part whose logits are kept."""

    start: int
    end: int
    keep_start: int
    keep_end: int


class Plan(NamedTuple):
    """What the model will see of a document.

    Attributes:
        wordpieces: the n wordpieces.
        windows: the runs of them it sees at once; none where there are no wordpieces.
        cut: how many wordpieces after those it does not see.
    """

    wordpieces: Wordpieces
    windows: list[Window]
    cut: int

    def rows(self, wanted: Indices) -> Iterator[Indices]:
        """Which rows of each window's logits are kept: the wanted ones of the part it answers for.

        Args:
            wanted: int `[n]`, ascending, of the document's wordpieces.
        """
        if len(self.windows) == 1:
            yield wanted + 1  # row 0 belongs to [CLS]
            return
        for start, _, *kept in self.windows:
            first, last = np.searchsorted(wanted, kept)
            yield wanted[first:last] - start + 1


def plan(wordpieces: Wordpieces, size: int) -> Plan:
    """Let the model see a whole document, `size` wordpieces at once."""
    return Plan(wordpieces, windows(wordpieces.words, size) if len(wordpieces.ids) else [], 0)


def truncated_plan(wordpieces: Wordpieces, size: int) -> Plan:
    """Let the model see the first `size` wordpieces of a document only."""
    seen = Wordpieces(wordpieces.ids[:size], wordpieces.words[:size])
    return plan(seen, size)._replace(cut=len(wordpieces.ids) - len(seen.ids))


def windows(words: NDArray[np.intp], size: int) -> list[Window]:
    """Cover a document's wordpieces with overlapping windows of at most `size`.

    Neighbours overlap by a quarter. Each word is kept from the window in which it stands
    furthest from an edge, so the cut between two windows lies near the middle of their overlap,
    beside a word.

    Args:
        words: int `[n]`, the word of each wordpiece.
        size: wordpieces per window, special tokens not counted; at least 1.
    """
    count = len(words)
    if count <= size:
        return [Window(0, count, 0, count)]
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
        return middle  # a word longer than the overlap: it is scored by its first wordpiece
    return word_start if room_in_later >= room_in_earlier else word_end
