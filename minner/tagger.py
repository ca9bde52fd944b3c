"""The tagger: words, pieces, windows, logits, tags and entities, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from minner import reference
from minner.assemble import Assembler, Reading
from minner.decode import entities, word_tags
from minner.document import Document
from minner.engine import Engine
from minner.entity import Entity
from minner.errors import MinnerError, warn
from minner.kernels.runtime.operand_layout import FAST, OPERAND_LAYOUTS
from minner.kernels.runtime.stage_timings import StageTimings
from minner.options import LOADING, OPTION_NAMES, Options, refuse_unknown
from minner.pieces import Pieces, Window, encode_words, windows
from minner.schemes import are_bare
from minner.streams import TEXTS_PER_BATCH, batches
from minner.weights.checkpoint import open_checkpoint
from minner.weights.config import Config
from minner.weights.hub import TOKENIZER_FILES, find_checkpoint
from minner.weights.tokenizer import WordPieces, read_tokenizer
from minner.words import Span, split_words

Floats = NDArray[np.float32]
TagScores = tuple[list[str], Floats, NDArray[np.intp]]


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
        if not isinstance(precision, str) or precision not in OPERAND_LAYOUTS:
            known = ", ".join(OPERAND_LAYOUTS)
            raise MinnerError(f"precision {precision!r} is not available; choose from: {known}")
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise MinnerError(f"threads must be a whole number of at least 1, not {threads!r}")
        for name, place in (("model", model), ("tokenizer", tokenizer)):
            if place is not None and not isinstance(place, str | os.PathLike):
                kind = type(place).__name__
                raise MinnerError(f"a {name} must be a path or a name, not {kind}")
        self._source = None if model is None else os.fspath(model)
        self._checkpoint = open_checkpoint(find_checkpoint(model))
        if tokenizer is not None:
            tokenizer = find_checkpoint(tokenizer, files=TOKENIZER_FILES).absolute()
        self._vocabulary = read_tokenizer(
            tokenizer or self.directory, self._checkpoint.config, lowercase
        )
        self._loading = {
            "tokenizer": tokenizer,
            "precision": precision,
            "threads": threads,
            "lowercase": lowercase,
        }
        self._assembler = Assembler(self._options, self.labels)
        self._engine = Engine(self._checkpoint, threads, precision)
        if not FAST[precision]:
            warn(
                f"this processor lacks the fast instructions of {precision}: the answers are right "
                f"all the same, but hardly sooner than in float32; use that unless memory is short"
            )
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
    def vocabulary(self) -> WordPieces:
        """The checkpoint's tokenizer, and what must be known of it."""
        return self._vocabulary

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
        if not self._options.are_default:
            documents = self.documents(_only_strings(texts), batch_size=batch_size)
            yield from (document.entities for document in documents)
            return
        for batch in batches(_iterate(texts, "a list or stream of texts"), batch_size):
            spans = [split_words(_check_text(text)) for text in batch]
            words = [
                [text[start:end] for start, end in places]
                for text, places in zip(batch, spans, strict=True)
            ]
            for text, places, (tags, scores, seen) in zip(
                batch, spans, self._tag_words(words), strict=True
            ):
                tags = self._assembler.chunk_tags(tags)
                yield entities(text, places, tags, scores, seen=seen)

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
        for batch in batches(_iterate(texts, "a list or stream of texts"), batch_size):
            sources = [_with_spans(item) for item in batch]
            words = [[text[start:end] for start, end in spans] for text, spans in sources]
            for (text, spans), reading in zip(sources, self._read(words), strict=True):
                yield self._assembler.document(text, spans, reading)

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
        items = list(_iterate(words, "a list of words, or of such lists"))
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
        for batch in batches(_iterate(sentences, "lists of words"), batch_size):
            for tags, _, _ in self._tag_words([_check_words(words) for words in batch]):
                yield tags

    def _tag_words(self, documents: Sequence[Sequence[str]]) -> list[TagScores]:
        """For each document its tags, their probabilities, and which words have wordpieces."""
        if not self._options.are_default:
            return [
                (*self._assembler.word_tags(reading, len(words))[:2], reading.pieces.first()[0])
                for words, reading in zip(documents, self._read(documents), strict=True)
            ]
        pieces = [encode_words(words, self._vocabulary) for words in documents]
        firsts = [found.first() for found in pieces]
        logits = self._document_logits(pieces, [places for _, places in firsts])
        return [
            (*word_tags(rows, seen, len(words), self.labels), seen)
            for words, (seen, _), rows in zip(documents, firsts, logits, strict=True)
        ]

    def _document_logits(
        self, documents: Sequence[Pieces], wanted: Sequence[NDArray[np.intp]]
    ) -> Iterator[Floats]:
        """The logits of some of each document's pieces, stitched where it took several windows.

        Args:
            documents: the pieces of each.
            wanted: int `[n]` for each document, ascending: which of them.

        Yields:
            float32 `[n, C]`.
        """
        plans = [self._plan(pieces) for pieces in documents]
        sequences, rows = [], []
        for pieces, plan, places in zip(documents, plans, wanted, strict=True):
            for start, end, *kept in plan:
                first, last = np.searchsorted(places, kept)
                sequences.append(self._with_special_tokens(pieces.ids[start:end]))
                rows.append(places[first:last] - start + 1)  # row 0 belongs to [CLS]
        logits = iter(self._engine.logits(sequences, rows))
        nothing = np.empty((0, len(self.labels)), dtype=np.float32)
        for plan in plans:
            yield np.concatenate([nothing, *islice(logits, len(plan))])

    def _plan(self, pieces: Pieces) -> list[Window]:
        return windows(pieces.words, self._window_size) if len(pieces.ids) else []

    @property
    def _window_size(self) -> int:
        """How many pieces the model takes at once, [CLS] and [SEP] not counted."""
        return self._vocabulary.max_length - 2

    def _read(self, documents: Sequence[Sequence[str]]) -> Iterator[Reading]:
        """What the model makes of each list of words, with a record of how it was read."""
        whole = [encode_words(words, self._vocabulary) for words in documents]
        seen = [self._fit(pieces, words) for pieces, words in zip(whole, documents, strict=True)]
        everything = [np.arange(len(pieces.ids)) for pieces in seen]
        for pieces, all_pieces, logits in zip(
            seen, whole, self._document_logits(seen, everything), strict=True
        ):
            cut = len(all_pieces.ids) - len(pieces.ids)
            yield Reading(pieces, self._plan(pieces), cut, logits)

    def _fit(self, pieces: Pieces, words: Sequence[str]) -> Pieces:
        """Do with a document that is longer than one window what the option `on_long` says."""
        on_long, size, count = self._options.on_long, self._window_size, len(pieces.ids)
        if on_long == "window" or count <= size:
            return pieces
        begin = " ".join(words[:5])[:40]
        if on_long == "error":
            raise MinnerError(
                f"the text that begins {begin!r} has {count} pieces, but the model takes {size} at "
                f"once; split it, or let on_long='window' read it in several windows"
            )
        warn(f"of the text that begins {begin!r}, {count - size} of {count} pieces were cut off")
        return Pieces(pieces.ids[:size], pieces.words[:size])

    def _with_special_tokens(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        around = (self._vocabulary.cls_id, *ids, self._vocabulary.sep_id)
        return np.array(around, dtype=np.int32)

    # ---- for those who look inside --------------------------------------------------------------

    def logits(self, sequences: Sequence[Any]) -> list[Floats]:
        """Run piece ids as they are.

        Args:
            sequences: int arrays `[T_i]`, special tokens included.

        Returns:
            float32 `[T_i, C]` for each sequence.

        Raises:
            MinnerError: an array is not of integers in one dimension, holds an id outside the
                vocabulary, or is longer than the model's positions.
        """
        rows = _iterate(sequences, "a list of id arrays")
        return self._engine.logits([self._check_ids(ids) for ids in rows])

    def encode(self, text: str) -> NDArray[np.int32]:
        """The piece ids of a text, int32 `[T]`, special tokens included, as `logits` takes them.

        Raises:
            MinnerError: the text is no string.
        """
        words = [text[start:end] for start, end in split_words(_check_text(text))]
        return self._with_special_tokens(encode_words(words, self._vocabulary).ids)

    def record(self) -> AbstractContextManager[list[StageTimings]]:
        """Note when the stages of each native call end, inside a `with`.

        Returns:
            What gives, after `as`, a list that grows by one for each native call.
        """
        return self._engine.record()

    def trace(self, text: str) -> dict[str, NDArray[Any]]:
        """Every intermediate of the model for one text, from the plain NumPy reference.

        Returns:
            Arrays by name, in the order of computation: `ids` and `pieces` `[T]`, `embeddings`
            `[T, D]`, then per layer what its modules in the checkpoint give, such as
            `transformer.layer.0.attention.weights` `[H, T, T]`, and `classifier` `[T, C]`.

        Raises:
            MinnerError: the text is no string, or longer than one window of the model.
        """
        ids = self.encode(text)
        if len(ids) - 2 > self._window_size:
            raise MinnerError(
                f"the text has {len(ids) - 2} pieces, but trace shows one window of at most "
                f"{self._window_size}; pass a shorter text"
            )
        names = [self._vocabulary.tokenizer.id_to_token(int(index)) for index in ids]
        seen: dict[str, NDArray[Any]] = {"ids": ids, "pieces": np.array(names)}

        def record(name: str, array: Floats) -> Floats:
            seen[name] = array
            return array

        config = self._checkpoint.config
        model = reference.nested(self._checkpoint.tensors)
        reference.token_logits(
            ids, model, config.n_heads, config.activation, config.layer_norm_eps, record
        )
        return seen

    def _check_ids(self, ids: Any) -> NDArray[np.int32]:
        config = self._checkpoint.config
        try:
            array = np.asarray(ids)
        except ValueError:  # lists of different lengths
            array = np.empty((0, 0))
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise MinnerError("each sequence of ids must be one row of whole numbers")
        if len(array) > config.max_position_embeddings:
            raise MinnerError(
                f"a sequence has {len(array)} ids, but the model has "
                f"{config.max_position_embeddings} positions; split it"
            )
        if array.size and not 0 <= array.min() <= array.max() < config.vocab_size:
            raise MinnerError(f"ids must be from 0 to {config.vocab_size - 1}")
        return array.astype(np.int32)


def _load_again(
    kind: type[Tagger], source: str | None, place: Path | None, options: dict[str, Any]
) -> Tagger:
    """Load a model from where it was, or by its name where that is another machine's directory."""
    return kind(place if place is not None and place.is_dir() else source, **options)


def _iterate(items: Any, wanted: str) -> Iterator[Any]:
    # The keys of a mapping are hardly what was meant.
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise MinnerError(f"expected {wanted}, not {type(items).__name__}")
    return iter(items)


def _check_text(text: Any) -> str:
    if not isinstance(text, str):
        raise MinnerError(f"a text must be a string, not {type(text).__name__}")
    return text


def _only_strings(texts: Any) -> Iterator[str]:
    return (_check_text(text) for text in _iterate(texts, "a list or stream of texts"))


def _with_spans(item: Any) -> tuple[str, list[Span]]:
    """A text and the spans of its words; a list of words gives both."""
    if isinstance(item, str):
        return item, split_words(item)
    if isinstance(item, bytes | Mapping) or not isinstance(item, Iterable):
        raise MinnerError(
            f"a document must be a string or a list of words, not {type(item).__name__}"
        )
    words = _check_words(item)
    ends = accumulate(len(word) + 1 for word in words)
    return " ".join(words), [
        (end - 1 - len(word), end - 1) for word, end in zip(words, ends, strict=True)
    ]


def _check_words(words: Any) -> list[str]:
    checked = list(_iterate(words, "a list of words"))
    for word in checked:
        if not isinstance(word, str):
            raise MinnerError(f"a word must be a string, not {type(word).__name__}")
    return checked
