"""The tagger: words, wordpieces, windows, logits, tags and entities, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from minner.decoding.assembler import Assembler
from minner.decoding.reading import Reading
from minner.decoding.schemes import are_bare
from minner.document import Document
from minner.engine import Engine, check_settings, warn_where_slow
from minner.entity import Entity
from minner.errors import MinnerError, warn
from minner.kernels.runtime.stage_timings import StageTimings
from minner.options import LOADING, OPTION_NAMES, Options, refuse_unknown
from minner.reader import Reader
from minner.streams import TEXTS_PER_BATCH, batches
from minner.text import inputs
from minner.weights.checkpoint import open_checkpoint
from minner.weights.config import Config
from minner.weights.hub import TOKENIZER_FILES, find_checkpoint
from minner.weights.tokenizer import WordPieces, read_tokenizer

if TYPE_CHECKING:
    from minner.explain.subject import Subject
    from minner.explain.trace import Trace

Floats = NDArray[np.float32]


class Tagger:
    """A loaded model. Calling it with text gives entities; `minner.load` makes one."""

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        tokenizer: str | os.PathLike[str] | None = None,
        precision: str = "float32",
        threads: int | None = None,
        lowercase: bool | None = None,
        **options: Any,
    ) -> None:
        """Load a model; arguments and errors are those of `minner.load`."""
        refuse_unknown(options, (*LOADING, *OPTION_NAMES))
        self._options = Options(**options)
        check_settings(precision, threads)
        for name, place in (("model", model), ("tokenizer", tokenizer)):
            if place is not None and not isinstance(place, str | os.PathLike):
                kind = type(place).__name__
                raise MinnerError(f"a {name} must be a path or a name, not {kind}")
        self._source = None if model is None else os.fspath(model)
        self._checkpoint = open_checkpoint(find_checkpoint(model))
        if tokenizer is not None:
            tokenizer = find_checkpoint(tokenizer, files=TOKENIZER_FILES).absolute()
        vocabulary = read_tokenizer(tokenizer or self.directory, self.config, lowercase)
        self._loading = {
            "tokenizer": tokenizer,
            "precision": precision,
            "threads": threads,
            "lowercase": lowercase,
        }
        self._assembler = Assembler(self._options, self.labels)
        self._reader = Reader(vocabulary, Engine(self._checkpoint, threads, precision))
        warn_where_slow(precision)
        if are_bare(self.labels):
            warn(
                f"{self._checkpoint.directory}: no label starts with B- or I-; neighbouring words "
                f"of one label will be joined into one entity"
            )

    @property
    def labels(self) -> tuple[str, ...]:
        """The C labels, by class index."""
        return self._checkpoint.config.labels

    @property
    def entity_labels(self) -> tuple[str, ...]:
        """The labels that entities can have: without B- and I-, renamed and filtered as asked."""
        return self._assembler.entity_labels

    @property
    def directory(self) -> Path:
        """Where the files of the model are."""
        return self._checkpoint.directory

    @property
    def options(self) -> Options:
        """The rules by which the model's output becomes entities."""
        return self._options

    @property
    def precision(self) -> str:
        """The precision of weights and products."""
        return self._reader.engine.precision

    @property
    def threads(self) -> int:
        """How many cores the model runs on."""
        return self._reader.engine.threads

    @property
    def vocabulary(self) -> WordPieces:
        """The checkpoint's tokenizer, and what must be known of it."""
        return self._reader.vocabulary

    @property
    def config(self) -> Config:
        """The sizes and settings of the model."""
        return self._checkpoint.config

    # ---- copies ---------------------------------------------------------------------------------

    def __copy__(self) -> Tagger:
        """The same model: weights, kernels and threads are shared."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle where the model is and its options; unpickling, as `copy.deepcopy`, loads it."""
        options = {name: getattr(self._options, name) for name in OPTION_NAMES}
        place = None if self._source is None else self.directory.absolute()
        return _load_again, (type(self), self._source, place, self._loading | options)

    # ---- text -> entities -----------------------------------------------------------------------

    @overload
    def __call__(self, text: str) -> list[Entity]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, text: Sequence[str]) -> list[list[Entity]]: ...

    def __call__(self, text: str | Sequence[str]) -> list[Entity] | list[list[Entity]]:
        """The entities of a text, or of each text of a list.

        A text of any length is taken whole: what is longer than the model's positions goes
        through it in overlapping windows, and is decoded as one document.

        Raises:
            MinnerError: something else than strings was given.
        """
        if isinstance(text, str):
            return next(self.pipe([text]))
        return list(self.pipe(text, batch_size=TEXTS_PER_BATCH))

    def pipe(
        self, texts: Iterable[str], *, batch_size: int | None = None
    ) -> Iterator[list[Entity]]:
        """The entities of each text of a stream, in order.

        Args:
            texts: the stream.
            batch_size: how many texts are read before the first of them gets its result; the
                bits of the results do not depend on it. Where it is None, it adapts to how fast
                texts come, from 1 to TEXTS_PER_BATCH (see `minner.streams.batches`).

        Raises:
            MinnerError: something else than strings was given, or `batch_size` is less than 1.
        """
        for source, reading in self._read(inputs.texts(texts), batch_size):
            yield self._assembler.entities(source, reading)

    # ---- text -> documents ----------------------------------------------------------------------

    def document(self, text: str | Sequence[str]) -> Document:
        """Everything there is to know of one text: words, tags, probabilities, pieces, windows.

        Args:
            text: a text; or a list of words, which stand for themselves joined by spaces.

        Raises:
            MinnerError: something else was given, or the text is too long for `on_long="error"`.
        """
        return next(self.documents([text]))

    def documents(
        self, texts: Iterable[str | Sequence[str]], *, batch_size: int | None = None
    ) -> Iterator[Document]:
        """A document for each text of a stream, in order; `batch_size` is as in `pipe`.

        Its arrays hold some hundred bytes a word: keep what you need of it.

        Raises:
            MinnerError: as in `document`, or `batch_size` is less than 1.
        """
        for source, reading in self._read(inputs.texts_or_words(texts), batch_size):
            yield self._assembler.document(source, reading)

    def _read(
        self, sources: Iterator[inputs.Source], batch_size: int | None
    ) -> Iterator[tuple[inputs.Source, Reading]]:
        """What the model makes of each document of a stream."""
        on_long, all_rows = self._options.on_long, self._assembler.all_rows
        for batch in batches(sources, batch_size):
            readings = self._reader.read(batch, on_long=on_long, all_rows=all_rows)
            yield from zip(batch, readings, strict=True)

    def with_options(self, **changes: Any) -> Tagger:
        """The same model, weights shared, with other options of `minner.load`.

        Args:
            changes: `decoder`, `word_strategy`, `labels`, `ignore_labels`, `label_map`,
                `min_score`, `on_long`, `offsets`, `inclusive_ends`.

        Raises:
            MinnerError: there is no such option, or it has no such value or does not fit the
                model.
        """
        refuse_unknown(changes, OPTION_NAMES)
        other = self.__copy__()
        other._options = replace(self._options, **changes)
        other._assembler = Assembler(other._options, self.labels)
        return other

    # ---- words -> tags --------------------------------------------------------------------------

    @overload
    def tag(self, words: Sequence[str]) -> list[str]: ...  # type: ignore[overload-overlap]
    @overload
    def tag(self, words: Sequence[Sequence[str]]) -> list[list[str]]: ...

    def tag(self, words: Sequence[str] | Sequence[Sequence[str]]) -> list[str] | list[list[str]]:
        """One tag per word, for a list of words or a list of such lists.

        A word takes the tag of its first piece; one that gives no pieces keeps its place as `O`.

        Raises:
            MinnerError: something else than lists of strings was given.
        """
        items = list(inputs.iterate(words, "a list of words, or of such lists"))
        if not items or isinstance(items[0], str):
            return next(self.pipe_tags([items]))
        return list(self.pipe_tags(items, batch_size=TEXTS_PER_BATCH))

    def pipe_tags(
        self, sentences: Iterable[Sequence[str]], *, batch_size: int | None = None
    ) -> Iterator[list[str]]:
        """The tags of each list of words of a stream, in order; `batch_size` is as in `pipe`.

        Raises:
            MinnerError: something else than lists of strings was given, or `batch_size` is less
                than 1.
        """
        sources = map(inputs.words_source, inputs.iterate(sentences, "lists of words"))
        for source, reading in self._read(sources, batch_size):
            yield self._assembler.tags(reading, len(source.spans))

    # ---- for those who look inside --------------------------------------------------------------

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
            What gives, after `as`, a list that grows by one for each native call.
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
            Arrays by name, in the order of computation: `ids`, `pieces` and `words` `[T]`,
            `embeddings` `[T, D]`, then per layer what its modules in the checkpoint give, such as
            `transformer.layer.0.attention.weights` `[H, T, T]`, then `classifier` `[T, C]`, the
            logits, and `probabilities` `[W, C]` of the words. Its attributes `entities`, `lost`
            and `gained` say what came of it, and how that differs from the run of the whole model.

        Raises:
            MinnerError: the text is no string, takes several windows and none is chosen, or a
                name names no part.
        """
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
        from minner.explain.explanation import explanation

        return explanation(self._subject(text, window))

    def _subject(self, text: str, window: int) -> Subject:
        from minner.explain.subject import Subject

        return Subject(self._checkpoint, self._reader, self._assembler, text, window)


def _load_again(
    kind: type[Tagger], source: str | None, place: Path | None, options: dict[str, Any]
) -> Tagger:
    """Load a model from where it was, or by its name where that is another machine's directory."""
    return kind(place if place is not None and place.is_dir() else source, **options)
