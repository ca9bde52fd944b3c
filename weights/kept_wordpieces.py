"""Wordpieces of words of ASCII, cut without the tokenizers library.

Loading that library and giving it a vocabulary of 48,000 wordpieces takes 25 ms, a quarter of a
start. Words of printable ASCII need neither: BERT's rules for them are a few lines, and a
vocabulary that lies sorted in the cache can be searched as it lies there.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_PLAIN = re.compile("[!-~]*")
PART = re.compile("[A-Za-z0-9]+|[!-~]")
"""What BERT cuts a word of printable ASCII into first: letters and digits, or one mark."""

TAB, NEW_LINE = b"\t\n"


class Rules(NamedTuple):
    """What must be known of a WordPiece tokenizer beside its vocabulary.

    Attributes:
        lowercase: whether it lowercases a text.
        prefix: what wordpieces begin with that are not the first of a word.
        longest: letters of the longest part that is cut; what is longer is unknown.
        unknown: the id of what cannot be cut.
        added: tokens that are found in a text before it is cut; lowercased.
    """

    lowercase: bool
    prefix: str
    longest: int
    unknown: int
    added: Sequence[str]


class Wordpieces(NamedTuple):
    """The n plain wordpieces of a vocabulary, in columns.

    Attributes:
        characters: uint8, those of all of them, among others.
        starts: int `[n]`, where each begins there.
        ends: int `[n]`, and where it ends.
        ids: int64 `[n]`.
    """

    characters: NDArray[np.uint8]
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    ids: NDArray[np.int64]


def refused_marks(added: Iterable[str]) -> set[str] | None:
    """A mark of each added token: what has none of them holds no such token.

    Returns:
        None if a token has no mark, since it could be found inside of any word.
    """
    marks = [set(string.punctuation).intersection(token) for token in added]
    return {min(some) for some in marks} if all(marks) else None


class KeptWordpieces:
    """The wordpieces of words of printable ASCII, by the rules of BERT.

    Attributes:
        rules: of the tokenizer.
    """

    def __init__(self, content: bytes) -> None:
        """Take what `packed` has made."""
        rules, _, self._lines = content.partition(b"\n")
        self.rules = Rules(*json.loads(rules))

    def columns(self) -> Wordpieces:
        """All plain wordpieces."""
        characters = np.frombuffer(self._lines, dtype=np.uint8)
        tabs, ends = np.flatnonzero(characters == TAB), np.flatnonzero(characters == NEW_LINE)
        ids = np.zeros(len(ends), dtype=np.int64)
        for place in range(1, int((ends - tabs).max(initial=0))):
            longer = tabs + place < ends
            ids[longer] = 10 * ids[longer] + characters[tabs[longer] + place] - ord("0")
        return Wordpieces(characters, np.append(0, ends + 1)[: len(ends)], tabs, ids)

    def cut(self, words: Iterable[str]) -> list[tuple[int, ...]] | None:
        """The ids of each word; None if any is not plain, or may hold an added token."""
        cut = []
        for word in words:
            lowered = word.lower()
            if not _PLAIN.fullmatch(word) or any(token in lowered for token in self.rules.added):
                return None
            parts = PART.findall(lowered if self.rules.lowercase else word)
            cut.append(tuple(index for part in parts for index in self._cut_part(part)))
        return cut

    def _cut_part(self, part: str) -> Sequence[int]:
        """Take the longest wordpiece that the rest of the part begins with, again and again."""
        ids: list[int] = []
        start = 0
        while start < len(part) <= self.rules.longest:
            prefix = self.rules.prefix if start else ""
            for end in range(len(part), start, -1):
                index = self._find((prefix + part[start:end]).encode())
                if index is not None:
                    break
            else:
                return (self.rules.unknown,)
            ids.append(index)
            start = end
        return ids or (self.rules.unknown,)

    def _find(self, wordpiece: bytes) -> int | None:
        """The id of a wordpiece, by binary search among the sorted lines."""
        lines, low, high = self._lines, 0, len(self._lines)
        while low < high:
            start = lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
            tab = lines.index(b"\t", start)
            end = lines.index(b"\n", tab)
            found = lines[start:tab]
            if found == wordpiece:
                return int(lines[tab:end])
            low, high = (end + 1, high) if found < wordpiece else (low, start)
        return None


def packed(rules: Rules, vocabulary: Mapping[str, int]) -> bytes:
    """What `KeptWordpieces` reads: the rules, and each plain wordpiece with its id, sorted."""
    # A tab sorts before all that a plain wordpiece has, so lines are in the order of wordpieces.
    lines = sorted(
        f"{wordpiece}\t{index}\n"
        for wordpiece, index in vocabulary.items()
        if wordpiece and _PLAIN.fullmatch(wordpiece)
    )
    return (json.dumps(rules) + "\n" + "".join(lines)).encode()
