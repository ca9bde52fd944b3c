"""The way of texts through a model: words, wordpieces, windows, probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, islice, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minner.decoding.reading import Best, Reading
from minner.decoding.softmax import softmax
from minner.engine import Engine
from minner.errors import MinnerError, warn
from minner.text.inputs import Source
from minner.text.packed_texts import PackedTexts, pack_texts, pack_words
from minner.text.windows import Plan, plan, truncated_plan
from minner.text.word_table import WordTable
from minner.text.wordpieces import Indices, Known, Wordpieces, encode_words
from minner.text.words import one_word, split_field
from minner.weights.encoder import Encoder

if TYPE_CHECKING:
    from minner.text.field_kernels import FieldKernels
    from minner.weights.tokenizer import Vocabulary

WINDOWS_PER_CALL = 256
"""Windows whose logits are held at once: 5 MB where there are 9 classes."""

CHARACTERS_PER_GROUP = 1 << 20
"""Code points of documents that are read together, unless one alone has more."""


class Reader:
    """An encoder and an engine, ready to read."""

    def __init__(self, encoder: Encoder, engine: Engine) -> None:
        """Take both of the same model."""
        self._encoder = encoder
        self.engine = engine
        self._known: Known = {}
        self._fields = WordTable(encoder, split_field)
        self._words = WordTable(encoder, one_word)
        self._kernels: FieldKernels | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The whole tokenizer, which is loaded now if it was not needed yet."""
        return self._encoder.vocabulary

    @property
    def window_size(self) -> int:
        """How many wordpieces the model takes at once, [CLS] and [SEP] not counted."""
        return self._encoder.facts.max_length - 2

    def read(
        self,
        sources: Sequence[Source],
        *,
        on_long: str = "window",
        all_rows: bool = False,
        only_best: bool = False,
    ) -> Iterator[Reading]:
        """Show documents to the model, short ones together.

        Args:
            sources: the documents.
            on_long: what becomes of one that is longer than a window: see `minner.load`.
            all_rows: whether every wordpiece is looked at, not only the first of each word. The
                last layer leaves out what is not.
            only_best: whether only the most probable label of each is kept.

        Yields:
            A reading for each document, in order.

        Raises:
            MinnerError: a document is too long for `on_long="error"`, or the tokenizer breaks down.
        """
        for group in _groups(sources):
            plans = [self._plan(source, on_long) for source in group]
            wanted = [
                np.arange(len(one.wordpieces.ids)) if all_rows else one.wordpieces.first()[1]
                for one in plans
            ]
            ends = [*accumulate(map(len, wanted), initial=0)]
            kept = 0 if only_best else ends[-1]
            probabilities = np.empty((kept, self.engine.classes), dtype=np.float32)
            best = Best.empty(ends[-1]) if only_best else None
            at = 0
            for some in self._probabilities(plans, wanted):
                if best is None:
                    probabilities[at : at + len(some)] = some
                else:
                    best.write(at, some)
                at += len(some)
            for one, rows, place in zip(plans, wanted, pairwise(ends), strict=True):
                part = probabilities[slice(*place)]
                yield Reading(one, rows, part, best and best.part(*place))

    # ---- short texts, many at once --------------------------------------------------------------

    @property
    def kernels(self) -> FieldKernels:
        """What cuts most words without Python; made at the first use."""
        if self._kernels is None:
            from minner.text.field_kernels import FieldKernels  # here: a start does not need it

            facts = self._encoder.facts
            native, table = self.engine.native, self._encoder.table
            self._kernels = FieldKernels(native, table, facts.cls_id, facts.sep_id)
            self._encoder.quick = self._kernels.cut_words
        return self._kernels

    def cut_texts(self, texts: Sequence[str]) -> PackedTexts:
        """The wordpieces of texts that are not long, in columns.

        Raises:
            MinnerError: the tokenizer breaks down over them.
        """
        packed, self._fields = pack_texts(texts, self._fields, self.kernels)
        return packed

    def cut_words(self, sentences: Sequence[Sequence[str]]) -> PackedTexts:
        """As `cut_texts`, of lists of words."""
        packed, self._words = pack_words(sentences, self._words, self.kernels)
        return packed

    def best(self, packed: PackedTexts) -> Best:
        """The most probable label of the first wordpiece of each word; each text fits a window."""
        best = Best.empty(packed.batch.row_count)
        best.write(0, softmax(self.engine.packed_logits(packed.batch)))
        return best

    # ---- texts of any length --------------------------------------------------------------------

    def _probabilities(
        self, plans: Sequence[Plan], wanted: Sequence[Indices]
    ) -> Iterator[NDArray[np.float32]]:
        """Run all windows of documents, some at a time: float32 `[n, C]` of what is wanted."""
        inputs = (
            (self.input_ids(one.wordpieces.ids[window.start : window.end]), rows)
            for one, places in zip(plans, wanted, strict=True)
            for window, rows in zip(one.windows, one.rows(places), strict=True)
        )
        while some := list(islice(inputs, WINDOWS_PER_CALL)):
            sequences, rows = zip(*some, strict=True)
            yield softmax(np.concatenate(self.engine.logits(sequences, rows)))

    def encode(self, source: Source) -> Wordpieces:
        """The wordpieces of a document.

        Raises:
            MinnerError: the tokenizer breaks down over it.
        """
        return encode_words(source.words, self._encoder, self._known)

    def input_ids(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Ids of one window, int32 `[n + 2]`: with the special tokens at both ends."""
        around, facts = np.empty(len(ids) + 2, dtype=np.int32), self._encoder.facts
        around[0], around[1:-1], around[-1] = facts.cls_id, ids, facts.sep_id
        return around

    def _plan(self, source: Source, on_long: str) -> Plan:
        wordpieces, size = self.encode(source), self.window_size
        count = len(wordpieces.ids)
        if on_long == "window" or count <= size:
            return plan(wordpieces, size)
        begin = " ".join(source.text[start:end] for start, end in source.spans[:5])[:40]
        if on_long == "error":
            raise MinnerError(
                f"the text that begins {begin!r} has {count} wordpieces, but the model takes "
                f"{size} at once; split it, or let on_long='window' read it in several windows"
            )
        lost = f"{count - size} of {count} wordpieces"
        warn(f"of the text that begins {begin!r}, {lost} were cut off")
        return truncated_plan(wordpieces, size)


def _groups(sources: Sequence[Source]) -> Iterator[list[Source]]:
    """Documents that are read together, in order."""
    group: list[Source] = []
    characters = 0
    for source in sources:
        if group and characters + len(source.text) > CHARACTERS_PER_GROUP:
            yield group
            group, characters = [], 0
        group.append(source)
        characters += len(source.text)
    if group:
        yield group
