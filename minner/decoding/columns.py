"""Entities and tags of many short texts at once: NumPy per batch, Python per entity.

They are those that `assembler.py` gives one text after the other, for the options that most people
use: the most probable tag of each word, joined by conlleval's rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from minner.decoding.assembler import Assembler
from minner.decoding.chunk_columns import ChunkRule
from minner.decoding.entities import joined
from minner.decoding.reading import Best
from minner.entity import Entity
from minner.text.packed_texts import PackedTexts


class ColumnAssembler:
    """The rules of an assembler, for batches of texts."""

    def __init__(self, assembler: Assembler) -> None:
        """Take the rules, which `reads_columns` must allow."""
        self._labels, self._rule = assembler.labels, ChunkRule(assembler.labels)
        self._select = assembler.select

    def entities(self, texts: Sequence[str], packed: PackedTexts, best: Best) -> list[list[Entity]]:
        """The entities of each text.

        Args:
            texts: D texts.
            packed: their words.
            best: the most probable class of each word that has wordpieces.
        """
        chunks = self._rule(best.classes, packed.words)
        numbers = packed.words.searchsorted(chunks.first, "right") - 1
        scores = best.scores.tolist()
        found: list[list[Entity]] = [[] for _ in texts]
        for number, label, first, last, start, tail, end in zip(
            numbers.tolist(),
            map(self._rule.labels.__getitem__, chunks.labels.tolist()),
            chunks.first.tolist(),
            chunks.last.tolist(),
            packed.spans[chunks.first, 0].tolist(),
            *packed.spans[chunks.last].T.tolist(),
            strict=True,
        ):
            text, words = texts[number], slice(first, last + 1)
            name = text[start:end]
            # Nearly all names begin and end with a word that is no mark, and stand on one line.
            if first == last and name[0].isalnum():
                score = scores[first]
            elif name[0].isalnum() and text[tail].isalnum() and len(name.splitlines()) == 1:
                score = sum(scores[words]) / (last + 1 - first)
            else:
                spans = packed.spans[words].tolist()
                whole = range(len(spans))
                found[number] += joined(text, spans, scores[words], label, whole)
                continue
            found[number].append(Entity(name, label, start, end, score))
        return [self._select(text, some) for text, some in zip(texts, found, strict=True)]

    def tags(
        self, sentences: Sequence[Sequence[str]], packed: PackedTexts, best: Best
    ) -> list[list[str]]:
        """The tag of each word; a word without wordpieces is `O`."""
        tags = ["O"] * sum(map(len, sentences))
        for word, index in zip(packed.keys.tolist(), best.classes.tolist(), strict=True):
            tags[word] = self._labels[index]
        taken = iter(tags)
        return [[*islice(taken, len(words))] for words in sentences]
