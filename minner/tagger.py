"""The tagger: words, wordpieces, windows, logits, tags and entities, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from minner.decoding.assembler import Assembler
from minner.decoding.reading import Reading
from minner.entity import Entity
from minner.errors import OUT_OF_MEMORY, MinnerError, MinnerMemoryError
from minner.loading import load_model, place_or_source
from minner.look_inside import LookInside
from minner.options import LOADING, OPTION_NAMES, Options, refuse_unknown
from minner.short_texts import ShortTexts
from minner.streams import TEXTS_PER_BATCH, batches
from minner.text import inputs
from minner.weights.config import Config

if TYPE_CHECKING:
    from minner.document import Document
    from minner.weights.tokenizer import Vocabulary

Item = TypeVar("Item", bound=str | Sequence[str])
Result = TypeVar("Result")


class Tagger(LookInside):
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
        self._loaded = load_model(
            model, tokenizer=tokenizer, precision=precision, threads=threads, lowercase=lowercase
        )
        self._checkpoint, self._reader = self._loaded.checkpoint, self._loaded.reader
        self._assembler = Assembler(self._options, self.labels)
        self._short_texts = ShortTexts(self._reader, self._assembler)

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
    def vocabulary(self) -> Vocabulary:
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
        source, place, settings = self._loaded.recipe()
        options = {name: getattr(self._options, name) for name in OPTION_NAMES}
        return _load_again, (type(self), source, place, settings | options)

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
        return self._results(
            inputs.texts(texts), batch_size, self._assembler.entities, self._short_texts.entities
        )

    def stream(
        self, texts: Iterable[str], *, batch_size: int | None = None
    ) -> Iterator[Iterator[Entity]]:
        """As `pipe`, but the entities of each text one by one, made when they are asked for.

        A long document may have more of them than memory should hold at once.

        Raises:
            MinnerError: as in `pipe`.
        """
        each = self._assembler.each_entity
        found: Iterator[Iterable[Entity]] = self._results(
            inputs.texts(texts), batch_size, each, self._short_texts.entities
        )
        return map(_within_memory, found)

    # ---- text -> documents ----------------------------------------------------------------------

    def document(self, text: str | Sequence[str]) -> Document:
        """Everything there is to know of one text: words, tags, probabilities, windows.

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
        items = inputs.iterate(texts, "a list or stream of texts")
        return self._results(items, batch_size, self._assembler.document)

    def _results(
        self,
        items: Iterator[Item],
        batch_size: int | None,
        assemble: Callable[[inputs.Source, Reading], Result],
        of_short: Callable[[Sequence[Item]], Sequence[Result | None]] | None = None,
    ) -> Iterator[Result]:
        """What is assembled from what the model makes of each document of a stream.

        Args:
            items: the documents: texts, or lists of words.
            batch_size: as in `pipe`.
            assemble: makes it of one document.
            of_short: makes it of many, faster, and None of what is too long for that. If it is
                given, `assemble` needs no more than the best label of each word either.
        """
        read = partial(
            self._reader.read,
            on_long=self._options.on_long,
            all_rows=self._assembler.all_rows,
            only_best=of_short is not None and self._assembler.best_suffice,
        )

        def results(batch: Sequence[Item]) -> Iterator[Result]:
            found = of_short(batch) if of_short else [None] * len(batch)
            rest = [
                inputs.source_of(item)
                for item, result in zip(batch, found, strict=True)
                if result is None
            ]
            of_rest = map(assemble, rest, read(rest))
            for result in found:
                yield next(of_rest) if result is None else result

        for batch in _within_memory(batches(items, batch_size)):
            yield from _within_memory(results(batch))

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
        other._short_texts = ShortTexts(self._reader, other._assembler)
        return other

    # ---- words -> tags --------------------------------------------------------------------------

    @overload
    def tag(self, words: Sequence[str]) -> list[str]: ...  # type: ignore[overload-overlap]
    @overload
    def tag(self, words: Sequence[Sequence[str]]) -> list[list[str]]: ...

    def tag(self, words: Sequence[str] | Sequence[Sequence[str]]) -> list[str] | list[list[str]]:
        """One tag per word, for a list of words or a list of such lists.

        A word takes the tag of its first wordpiece; one that has none keeps its place as `O`.

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
        items = map(inputs.words_of, inputs.iterate(sentences, "lists of words"))
        return self._results(items, batch_size, self._assembler.tags, self._short_texts.tags)


def _within_memory(items: Iterable[Result]) -> Iterator[Result]:
    """Pass items through; where the system has no memory for the next one, say so in words."""
    try:
        yield from items
    except OUT_OF_MEMORY as error:
        if isinstance(error, MinnerError):
            raise
        raise MinnerMemoryError(
            "the system has no memory for these texts: give the process more, or split them"
        ) from error


def _load_again(
    kind: type[Tagger], source: str | None, place: Path | None, options: dict[str, Any]
) -> Tagger:
    """Load a model from where it was, or by its name where that is another machine's directory."""
    return kind(place_or_source(source, place), **options)
