"""Wordpieces of words of ASCII, cut without the tokenizers library.

Loading that library and giving it a vocabulary of 48,000 wordpieces takes 25 ms, a quarter of a
start. Words of printable ASCII need neither: BERT's rules for them are a few lines, and a
vocabulary that lies sorted in the cache can be searched as it lies there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

_PLAIN = re.compile("[!-~]*")
PART = re.compile("[A-Za-z0-9]+|[!-~]")
"""What BERT cuts a word of printable ASCII into first: letters and digits, or one mark."""


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


class KeptWordpieces:
    """The wordpieces of words of printable ASCII, by the rules of BERT.

    Attributes:
        rules: of the tokenizer.
    """

    def __init__(self, content: bytes) -> None:
        """Take what `packed` has made."""
        rules, _, self._lines = content.partition(b"\n")
        self.rules = Rules(*json.loads(rules))

    def wordpieces(self) -> tuple[list[bytes], list[int]]:
        """All plain wordpieces, sorted, and the id of each."""
        words = self._lines.split()
        return words[::2], [*map(int, words[1::2])]

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
