"""What a loaded model offers to those who look inside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minner.decoding.assembler import Assembler
from minner.errors import MinnerError
from minner.reader import Reader
from minner.text import inputs
from minner.weights.checkpoint import Checkpoint

if TYPE_CHECKING:
    from minner.explain.subject import Subject
    from minner.explain.trace import Trace
    from minner.kernels.runtime.stage_timings import StageTimings

Floats = NDArray[np.float32]


class LookInside:
    """Ids, logits, timings and intermediates; `Tagger` is what has them."""

    _checkpoint: Checkpoint
    _reader: Reader
    _assembler: Assembler

    def logits(self, sequences: Sequence[Any]) -> list[Floats]:
        """Run wordpiece ids as they are.

        Args:
            sequences: int arrays `[T_i]`, special tokens included.

        Returns:
            float32 `[T_i, C]` for each sequence.

        Raises:
            MinnerError: an array is not of integers in one dimension, holds an id outside the
                vocabulary, or is longer than the model's positions.
        """
        engine = self._reader.engine
        rows = inputs.iterate(sequences, "a list of id arrays")
        return engine.logits([engine.checked_ids(ids) for ids in rows])

    def encode(self, text: str) -> NDArray[np.int32]:
        """The wordpiece ids of a text, int32 `[T]`, special tokens included: what `logits` takes.

        Raises:
            MinnerError: the text is no string.
        """
        return self._reader.input_ids(self._reader.encode(inputs.text_source(text)).ids)

    def record(self) -> AbstractContextManager[list[StageTimings]]:
        """Note when the stages of each native call end, inside a `with`.

        Returns:
            A context manager that yields a list, which grows by one for each native call.
        """
        return self._reader.engine.record()

    def trace(
        self,
        text: str,
        *,
        without: Iterable[str] = (),
        by: str = "kernels",
        window: int | None = None,
    ) -> Trace:
        """Every intermediate of the model for one text, and the entities it leads to.

        Args:
            text: a text.
            without: parts to leave out: `transformer.layer.N` (the layer passes its input on),
                `transformer.layer.N.attention` or `transformer.layer.N.ffn` (adds nothing),
                `transformer.layer.N.attention.head.N` (writes nothing), and `words.N` (the word's
                wordpieces become the mask token). All are numbered from 0.
            by: `kernels`, which serve, or `reference`, which is plain NumPy.
            window: of a text that is longer than the model's positions, the window to trace.

        Returns:
            Arrays by name, in the order of computation: `ids`, `wordpieces` and `words` `[T]`,
            `embeddings` `[T, D]`, then per layer what its modules in the checkpoint give, such as
            `transformer.layer.0.attention.weights` `[H, T, T]`, then `classifier` `[T, C]`, the
            logits, and `probabilities` `[W, C]` of the words. Its attributes `entities`, `lost`
            and `gained` say what came of it, and how that differs from the run of the whole model.

        Raises:
            MinnerError: the text is no string, takes several windows and none is chosen, or a
                name names no part.
        """
        with _not_in_bundles():
            from minner.explain.trace import trace

        subject = self._subject(text, window or 0)
        return trace(subject, without=without, by=by, whole=window is None)

    def explain(self, text: str, *, window: int = 0) -> dict[str, Any]:
        """What `minner explain` shows of a text, as data; `explanation.explanation` lists it.

        Args:
            text: a text.
            window: which of the windows that a long text is read in.

        Raises:
            MinnerError: the text is no string, has no word, or no such window.
        """
        with _not_in_bundles():
            from minner.explain.explanation import explanation

        return explanation(self._subject(text, window))

    def _subject(self, text: str, window: int) -> Subject:
        from minner.explain.subject import Subject

        return Subject(self._checkpoint, self._reader, self._assembler, text, window)


@contextmanager
def _not_in_bundles() -> Iterator[None]:
    """For imports of what a bundle leaves out (`LEFT_OUT` in minner/bundle/make.py)."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MinnerError(
            "a bundle tags only: install minner itself to trace or explain what a model does"
        ) from error
