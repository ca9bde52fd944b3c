"""The way of texts through a model: words, wordpieces, windows, logits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from minner.decoding.reading import Reading
from minner.engine import Engine
from minner.errors import MinnerError, warn
from minner.text.inputs import Source
from minner.text.windows import Plan, plan, truncated_plan
from minner.text.wordpieces import Pieces, encode_words
from minner.weights.tokenizer import WordPieces


class Reader:
    """A vocabulary and an engine, ready to read."""

    def __init__(self, vocabulary: WordPieces, engine: Engine) -> None:
        """Take both of the same model."""
        self.vocabulary = vocabulary
        self.engine = engine

    @property
    def window_size(self) -> int:
        """How many wordpieces the model takes at once, [CLS] and [SEP] not counted."""
        return self.vocabulary.max_length - 2

    def read(
        self, sources: Sequence[Source], *, on_long: str = "window", all_rows: bool = False
    ) -> Iterator[Reading]:
        """Show documents to the model, all in one list.

        Args:
            sources: the documents.
            on_long: what becomes of one that is longer than a window: see `minner.load`.
            all_rows: whether the logits of every wordpiece are wanted, not only of the first of
                each word. The last layer leaves out what is not.

        Yields:
            A reading for each document, in order.

        Raises:
            MinnerError: a document is too long for `on_long="error"`, or the tokenizer breaks down.
        """
        plans = [self._plan(source, on_long) for source in sources]
        wanted = [
            np.arange(len(one.pieces.ids)) if all_rows else one.pieces.first()[1] for one in plans
        ]
        sequences = [
            self.input_ids(one.pieces.ids[window.start : window.end])
            for one in plans
            for window in one.windows
        ]
        rows = [*chain(*(one.rows(places) for one, places in zip(plans, wanted, strict=True)))]
        logits = iter(self.engine.logits(sequences, rows))
        nothing = np.empty((0, self.engine.classes), dtype=np.float32)
        for one, places in zip(plans, wanted, strict=True):
            yield Reading(one, places, np.concatenate([nothing, *islice(logits, len(one.windows))]))

    def encode(self, source: Source) -> Pieces:
        """The wordpieces of a document.

        Raises:
            MinnerError: the tokenizer breaks down over it.
        """
        return encode_words(source.words, self.vocabulary)

    def input_ids(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Ids of one window, int32 `[n + 2]`: with the special tokens at both ends."""
        around = np.empty(len(ids) + 2, dtype=np.int32)
        around[0], around[1:-1], around[-1] = self.vocabulary.cls_id, ids, self.vocabulary.sep_id
        return around

    def _plan(self, source: Source, on_long: str) -> Plan:
        pieces, size = self.encode(source), self.window_size
        count = len(pieces.ids)
        if on_long == "window" or count <= size:
            return plan(pieces, size)
        begin = " ".join(source.text[start:end] for start, end in source.spans[:5])[:40]
        if on_long == "error":
            raise MinnerError(
                f"the text that begins {begin!r} has {count} pieces, but the model takes {size} at "
                f"once; split it, or let on_long='window' read it in several windows"
            )
        warn(f"of the text that begins {begin!r}, {count - size} of {count} pieces were cut off")
        return truncated_plan(pieces, size)
