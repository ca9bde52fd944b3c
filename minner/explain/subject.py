"""The text under the glass: one window of it, and what can be asked of the model about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minner import reference
from minner.decoding.assembler import Assembler
from minner.decoding.reading import Reading
from minner.decoding.softmax import softmax
from minner.document import Document
from minner.entity import Entity
from minner.errors import MinnerError
from minner.explain.by_kernels import logits_by_kernels, run_by_kernels
from minner.explain.by_reference import run_by_reference
from minner.explain.without import Without
from minner.reader import Reader
from minner.text.inputs import text_source
from minner.text.windows import Window
from minner.weights.checkpoint import Checkpoint

Arrays = dict[str, NDArray[Any]]
Floats = NDArray[np.float32]

NOTHING = Without()


class Subject:
    """One window of a text.

    Attributes:
        checkpoint: the model.
        engine: runs it.
        assembler: the rules by which its output becomes entities.
        model: its parameters, nested as `reference.py` takes them.
        document: the whole text, as the model reads it.
        window: the number of the window.
        ids: int32 `[T]`, its tokens, special tokens included.
        words: int `[T]`, the word of each token; -1 for special tokens.
        first: int `[W]`, the first token of each word; -1 where the window decides nothing of it.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        reader: Reader,
        assembler: Assembler,
        text: str,
        window: int = 0,
    ) -> None:
        """Read a text.

        Raises:
            MinnerError: the text is no string, or has no such window.
        """
        self.checkpoint, self.engine, self.assembler = checkpoint, reader.engine, assembler
        self._vocabulary = reader.vocabulary
        self._source = text_source(text)
        (self._reading,) = reader.read([self._source], all_rows=True)
        self.document = self._document(self._reading.probabilities, assembler)
        windows = self.document.windows or [Window(0, 0, 0, 0)]
        if not isinstance(window, int) or not 0 <= window < len(windows):
            raise MinnerError(
                f"there is no window {window}: the text has {len(windows)}, numbered from 0"
            )
        self.window = window
        self._window = windows[window]
        self.model = reference.nested(checkpoint.tensors)
        start, end, _, _ = self._window
        wordpieces = self.document.wordpieces
        self.ids = reader.input_ids(wordpieces.ids[start:end])
        self.words = np.concatenate([[-1], wordpieces.words[start:end], [-1]]).astype(int)
        self.first = self._first_tokens(start)

    def _first_tokens(self, start: int) -> NDArray[np.intp]:
        first = np.full(len(self.document.words), -1)
        words, places = self.document.wordpieces.first()
        kept = (places >= self._window.keep_start) & (places < self._window.keep_end)
        first[words[kept]] = places[kept] - start + 1
        return first

    @property
    def wordpieces(self) -> list[str]:
        """The tokens as they stand in the vocabulary."""
        tokenizer = self._vocabulary.tokenizer
        return [str(tokenizer.id_to_token(int(index))) for index in self.ids]

    def trace(self, without: Without = NOTHING, by: str = "kernels") -> Arrays:
        """Every intermediate of a run of the window; `by` is a key of RUNNERS."""
        ids = self.hide(without.words)
        return {"ids": ids, **RUNNERS[by](self, ids, without)}

    def logits(self, runs: Sequence[Without]) -> list[Floats]:
        """The logits `[T, C]` of the window in runs that leave out heads and words only."""
        sequences = [self.hide(without.words) for without in runs]
        return logits_by_kernels(self.engine, sequences, runs)

    def hide(self, words: Iterable[int]) -> NDArray[np.int32]:
        """The ids of the window with the wordpieces of some words replaced by the mask token."""
        ids, hidden = self.ids.copy(), np.isin(self.words, list(words))
        if hidden.any():
            ids[hidden] = self._mask_id()
        return ids

    def _mask_id(self) -> int:
        for name in ("[MASK]", "<mask>", "[UNK]", "<unk>"):
            index = self._vocabulary.tokenizer.token_to_id(name)
            if index is not None:
                return int(index)
        raise MinnerError("the tokenizer has neither a mask token nor an unknown one to hide words")

    def read(self, logits: Floats, assembler: Assembler | None = None) -> Document:
        """The document if the window gave these logits `[T, C]`; by other rules if asked."""
        start, _, first, end = self._window
        every = self._reading.probabilities.copy()
        every[first:end] = softmax(logits[first - start + 1 : end - start + 1])
        return self._document(every, assembler or self.assembler)

    def _document(self, probabilities: Floats, assembler: Assembler) -> Document:
        """The document, if these were the probabilities `[n, C]` of all its wordpieces."""
        plan, rows = self._reading.plan, self._reading.rows
        if not assembler.all_rows:
            rows = plan.wordpieces.first()[1]
            probabilities = probabilities[rows]
        return assembler.document(self._source, Reading(plan, rows, probabilities))


def _by_kernels(subject: Subject, ids: NDArray[np.int32], without: Without) -> Arrays:
    return run_by_kernels(subject.engine, ids, subject.model, without)


def _by_reference(subject: Subject, ids: NDArray[np.int32], without: Without) -> Arrays:
    config = subject.checkpoint.config
    return run_by_reference(
        ids, subject.model, config.n_heads, config.activation, config.layer_norm_eps, without
    )


RUNNERS: dict[str, Callable[[Subject, NDArray[np.int32], Without], Arrays]] = {
    "kernels": _by_kernels,
    "reference": _by_reference,
}
"""What can trace a run."""


def fate(entity: Entity, found: Sequence[Entity]) -> int:
    """What became of an entity: 0 it is there, 1 others are in its place, 2 nothing is."""
    place = entity.start, entity.end
    if any((other.label, other.start, other.end) == (entity.label, *place) for other in found):
        return 0
    return 1 if any(other.start < place[1] and place[0] < other.end for other in found) else 2
