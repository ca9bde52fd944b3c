"""The way of short texts, many at once: nothing is done word by word in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from minner.decoding.assembler import Assembler
from minner.decoding.columns import ColumnAssembler
from minner.decoding.reading import Best
from minner.entity import Entity
from minner.reader import Reader
from minner.text.packed_texts import PackedTexts

Item = TypeVar("Item")
Result = TypeVar("Result")

CHARACTERS_PER_WORDPIECE = 5
"""At most, in nearly all texts: what has more than that for each place in a window is not tried."""

LEAST = 500
"""Characters of a text that goes this way alone: a shorter one gains nothing, and the process that
reads no other starts sooner."""


class ShortTexts:
    """A reader and rules, for batches of texts."""

    def __init__(self, reader: Reader, assembler: Assembler) -> None:
        """Take both of the same model."""
        self._reader, self._assembler = reader, assembler
        self._columns = ColumnAssembler(assembler)
        self._most = CHARACTERS_PER_WORDPIECE * reader.window_size

    def entities(self, texts: Sequence[str]) -> Sequence[list[Entity] | None]:
        """The entities of each text; None where this is no way for it, or for all.

        Raises:
            MinnerError: the tokenizer breaks down, or the model's numbers overflow.
        """
        if not self._assembler.reads_columns or (len(texts) == 1 and len(texts[0]) < LEAST):
            return [None] * len(texts)
        short = [text if len(text) <= self._most else None for text in texts]
        return self._run(short, self._reader.cut_texts, self._columns.entities)

    def tags(self, sentences: Sequence[Sequence[str]]) -> Sequence[list[str] | None]:
        """The tags of each list of words; the rest is as in `entities`."""
        if not self._assembler.best_suffice or len(sentences) == 1:
            return [None] * len(sentences)
        short = [words if sum(map(len, words)) <= self._most else None for words in sentences]
        return self._run(short, self._reader.cut_words, self._columns.tags)

    def _run(
        self,
        items: Sequence[Item | None],
        cut: Callable[[Sequence[Item]], PackedTexts],
        assemble: Callable[[Sequence[Item], PackedTexts, Best], Sequence[Result]],
    ) -> Sequence[Result | None]:
        short = [item for item in items if item is not None]
        packed = cut(short)
        fits = packed.counts <= self._reader.window_size
        if not fits.all():
            fit = iter(fits.tolist())
            items = [item if item is not None and next(fit) else None for item in items]
            return self._run(items, cut, assemble)
        found = assemble(short, packed, self._reader.best(packed))
        if len(found) == len(items):
            return found
        rest = iter(found)
        return [None if item is None else next(rest) for item in items]
