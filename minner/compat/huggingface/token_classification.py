"""The token classification pipeline of Hugging Face transformers, without transformers.

`pipeline` gives what `transformers.pipeline("token-classification")` of version 5.23 gives: the
same keys, types, order and values. It is louder in one place: where a text is cut, because it is
longer than the model's positions and no `stride` was asked for, a MinnerWarning says so.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import decoders

import minner
from minner.compat.huggingface.aggregation import (
    STRATEGIES,
    Entities,
    Piece,
    aggregate,
    merge_windows,
)
from minner.compat.huggingface.documents import Document, read_text, read_words
from minner.decode import softmax
from minner.errors import MinnerError, warn
from minner.streams import TEXTS_PER_BATCH, batches
from minner.tagger import Tagger

TASKS = ("token-classification", "ner")


def pipeline(
    task: str = "token-classification",
    model: str | os.PathLike[str] | Tagger | None = None,
    *,
    tokenizer: str | os.PathLike[str] | None = None,
    aggregation_strategy: str = "none",
    ignore_labels: Collection[str] = ("O",),
    stride: int | None = None,
    device: Any = None,
    batch_size: int | None = None,
    num_workers: int | None = None,
) -> TokenClassificationPipeline:
    """Make a pipeline that takes the place of the one from transformers.

    Args:
        task: `token-classification`, or its other name `ner`.
        model: a directory, a Hugging Face repo id, or a model from `minner.load`; the embedded
            model where it is None.
        tokenizer: None or the same as `model`, whose tokenizer is used.
        aggregation_strategy: `none`, `simple`, `first`, `average` or `max`.
        ignore_labels: what to leave out, by its `entity` or `entity_group`.
        stride: how many pieces neighbouring windows of a long text share; where it is None, a
            text is cut to one window, with a MinnerWarning.
        device: None, -1 or `cpu`.
        batch_size: how many texts of a stream are read before the first gets its result; see the
            call.
        num_workers: has no effect.

    Raises:
        MinnerError: an argument is none of these, or the model cannot be loaded.
    """
    if task not in TASKS:
        raise MinnerError(f"the task must be one of {', '.join(TASKS)}, not {task!r}")
    if tokenizer is not None and tokenizer != model:
        raise MinnerError("a tokenizer other than the model's cannot be used; leave it out")
    if str(device) not in {"None", "-1", "cpu"}:
        raise MinnerError(f"minner runs on the CPU, not on device {device!r}; leave it out")
    return TokenClassificationPipeline(
        model if isinstance(model, Tagger) else minner.load(model),
        aggregation_strategy=aggregation_strategy,
        ignore_labels=ignore_labels,
        stride=stride,
        batch_size=batch_size,
    )


class _Options(NamedTuple):
    """How to find entities; what `pipeline` sets and a call may override."""

    strategy: str
    ignore_labels: Collection[str]
    stride: int | None


class TokenClassificationPipeline:
    """Finds the entities of texts as transformers does; `minner.compat.pipeline` makes one.

    Attributes:
        model: the loaded model.
    """

    def __init__(
        self,
        model: Tagger,
        *,
        aggregation_strategy: str = "none",
        ignore_labels: Collection[str] = ("O",),
        stride: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        """Take a loaded model; the other arguments and the errors are those of `pipeline`."""
        self.model = model
        self._batch_size = batch_size
        self._size = model.vocabulary.max_length - 2
        self._options = self._checked(aggregation_strategy, ignore_labels, stride)
        # What transformers gives every BERT tokenizer, whatever decoder tokenizer.json has.
        self._join = decoders.WordPiece(prefix="##").decode

    def __call__(
        self,
        inputs: Any,
        *,
        aggregation_strategy: str | None = None,
        ignore_labels: Collection[str] | None = None,
        stride: int | None = None,
        is_split_into_words: bool = False,
        delimiter: str = " ",
        batch_size: int | None = None,
        num_workers: int | None = None,
    ) -> Any:
        """Find the entities of a text, of each text of a list, or of a stream of texts.

        Args:
            inputs: a string gives a list of entities; a list of strings gives a list of such
                lists; any other iterable of strings gives an iterator over such lists.
            aggregation_strategy: where this or one of the next two is None, it stays as the
                pipeline was made.
            ignore_labels: as in `pipeline`.
            stride: as in `pipeline`.
            is_split_into_words: each text is a list of words instead of a string. A single such
                list gives a list of one result, as in transformers.
            delimiter: what stands between words in the text that the offsets are of.
            batch_size: how many texts of a stream are read before the first gets its result, which
                does not depend on it. Where neither this nor `pipeline` sets it, it adapts to how
                fast texts come. A list is taken whole: texts are packed without padding.
            num_workers: has no effect.

        Returns:
            Entities as dictionaries. For the strategy `none` there is one per piece: `entity`
            (its label), `score` (a np.float32), `index` (in its window, where [CLS] is 0), `word`,
            `start` and `end` (in code points, the end exclusive). For the others: `entity_group`
            (the label without B- or I-), `score`, `word`, `start` and `end`. A `word` is put
            together from pieces; what stands in the text is `text[start:end]`.

        Raises:
            MinnerError: something else than texts was given, or an option is not valid.
        """
        ours = self._options
        options = self._checked(
            ours.strategy if aggregation_strategy is None else aggregation_strategy,
            ours.ignore_labels if ignore_labels is None else ignore_labels,
            ours.stride if stride is None else stride,
        )
        if not isinstance(inputs, Iterable) or isinstance(inputs, bytes | Mapping):
            raise MinnerError(f"expected a text or several, not {type(inputs).__name__}")
        if not isinstance(delimiter, str):
            raise MinnerError(f"the delimiter must be a string, not {delimiter!r}")
        joint = delimiter if is_split_into_words else None
        if isinstance(inputs, str):
            return next(self._results([inputs], options, joint, 1))
        if not isinstance(inputs, list | tuple):
            size = self._batch_size if batch_size is None else batch_size
            return self._results(inputs, options, joint, size)
        if is_split_into_words and inputs and isinstance(inputs[0], str):
            inputs = [inputs]
        return list(self._results(inputs, options, joint, TEXTS_PER_BATCH))

    def _checked(self, strategy: Any, ignore_labels: Any, stride: Any) -> _Options:
        name = strategy.lower() if isinstance(strategy, str) else None
        if name not in STRATEGIES:
            known = ", ".join(STRATEGIES)
            raise MinnerError(f"aggregation_strategy must be one of {known}, not {strategy!r}")
        if isinstance(ignore_labels, str) or not isinstance(ignore_labels, Collection):
            raise MinnerError(f"ignore_labels must be a list of labels, not {ignore_labels!r}")
        if stride is not None and not (isinstance(stride, int) and 0 <= stride < self._size):
            raise MinnerError(
                f"stride must be a whole number from 0 to {self._size - 1} with this model, "
                f"not {stride!r}"
            )
        return _Options(name, ignore_labels, stride)

    def _results(
        self,
        inputs: Iterable[Any],
        options: _Options,
        delimiter: str | None,
        batch_size: int | None,
    ) -> Iterator[Entities]:
        """The entities of each text."""
        for batch in batches(iter(inputs), batch_size):
            documents = [self._document(item, delimiter) for item in batch]
            plans = [self._windows(document, options.stride) for document in documents]
            cls, sep = self.model.vocabulary.cls_id, self.model.vocabulary.sep_id
            sequences = [
                np.array([cls, *document.ids[window], sep])
                for document, plan in zip(documents, plans, strict=True)
                for window in plan
            ]
            logits = iter(self.model.logits(sequences))
            for document, plan in zip(documents, plans, strict=True):
                found = [
                    entity
                    for window in plan
                    for entity in self._entities(document.pieces[window], next(logits), options)
                ]
                yield merge_windows(found) if len(plan) > 1 else found

    def _document(self, item: Any, delimiter: str | None) -> Document:
        if delimiter is None:
            if not isinstance(item, str):
                raise MinnerError(
                    f"a text must be a string, not {type(item).__name__}; for words, pass "
                    f"is_split_into_words=True"
                )
            return read_text(item, self.model.vocabulary)
        if not isinstance(item, list | tuple) or not all(isinstance(word, str) for word in item):
            raise MinnerError("with is_split_into_words, a text must be a list of strings")
        return read_words(item, delimiter, self.model.vocabulary)

    def _windows(self, document: Document, stride: int | None) -> list[slice]:
        """The runs of pieces to run: windows that share `stride` pieces, or only the first."""
        count, size = len(document.ids), self._size
        if stride is None:
            if count > size:
                warn(
                    f"a text has {count} pieces but the model takes {size}, so that nothing from "
                    f"character {document.pieces[size].start} on was read; pass stride, such as "
                    f"stride={size // 4}, to read all of it"
                )
            return [slice(0, size)]
        starts = range(0, max(count - stride, 1), size - stride)
        return [slice(start, start + size) for start in starts]

    def _entities(
        self, pieces: Sequence[Piece], logits: NDArray[np.float32], options: _Options
    ) -> Entities:
        """The entities of one window, from the logits `[n + 2, C]` of it and its special tokens."""
        probabilities = softmax(logits[1:-1])
        found = aggregate(pieces, probabilities, self.model.labels, options.strategy, self._join)
        key = "entity" if options.strategy == "none" else "entity_group"
        return [entity for entity in found if entity[key] not in options.ignore_labels]
