"""The tagger: words, pieces, windows, logits, tags and entities, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from minner import reference
from minner.chunks import conlleval_chunks
from minner.decode import entities, word_tags
from minner.engine import Engine
from minner.entity import Entity
from minner.pieces import Pieces, encode_words, windows
from minner.weights.checkpoint import read_checkpoint
from minner.weights.errors import MinnerError, warn
from minner.weights.hub import find_checkpoint
from minner.weights.tokenizer import WordPieces, read_tokenizer
from minner.words import split_words

Floats = NDArray[np.float32]
TagScores = tuple[list[str], Floats]

PRECISIONS = ("float32",)

TEXTS_PER_BATCH = 64
"""Texts that `pipe` reads ahead: enough short ones to fill native calls, memory stays bounded."""


class Tagger:
    """A loaded model. Calling it with text gives entities; `minner.load` makes one."""

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        precision: str = "float32",
        threads: int | None = None,
        lowercase: bool | None = None,
    ) -> None:
        """Load a model; arguments and errors are those of `minner.load`."""
        if precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            raise MinnerError(f"precision {precision!r} is not available; choose from: {known}")
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise MinnerError(f"threads must be a whole number of at least 1, not {threads!r}")
        if model is not None and not isinstance(model, str | os.PathLike):
            raise MinnerError(f"a model must be a path or a name, not {type(model).__name__}")
        self._checkpoint = read_checkpoint(find_checkpoint(model))
        config = self._checkpoint.config
        self._vocabulary = read_tokenizer(self._checkpoint.directory, config, lowercase)
        self._engine = Engine(self._checkpoint, threads)
        self._bare_labels = not conlleval_chunks(self.labels)
        if self._bare_labels:
            warn(
                f"{self._checkpoint.directory}: no label starts with B- or I-; neighbouring words "
                f"of one label will be joined into one entity"
            )

    @property
    def labels(self) -> tuple[str, ...]:
        """The C labels, by class index."""
        return self._checkpoint.config.labels

    @property
    def vocabulary(self) -> WordPieces:
        """The model's tokenizer and what goes with it, for the package's other conventions."""
        return self._vocabulary

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
        return list(self.pipe(text))

    def pipe(self, texts: Iterable[str]) -> Iterator[list[Entity]]:
        """The entities of each text of a stream, in order; reads TEXTS_PER_BATCH texts ahead.

        Raises:
            MinnerError: something else than strings was given.
        """
        for batch in _batches(_iterate(texts, "a list or stream of texts")):
            spans = [split_words(_check_text(text)) for text in batch]
            words = [
                [text[start:end] for start, end in places]
                for text, places in zip(batch, spans, strict=True)
            ]
            for text, places, (tags, scores) in zip(
                batch, spans, self._tag_words(words), strict=True
            ):
                yield entities(text, places, self._chunk_tags(tags), scores)

    def _chunk_tags(self, tags: list[str]) -> list[str]:
        """Tags that say where chunks are: labels without a prefix read as `I-`."""
        if not self._bare_labels:
            return tags
        return [tag if tag == "O" else f"I-{tag}" for tag in tags]

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
        return list(self.pipe_tags(items))

    def pipe_tags(self, sentences: Iterable[Sequence[str]]) -> Iterator[list[str]]:
        """The tags of each list of words of a stream, in order.

        Raises:
            MinnerError: something else than lists of strings was given.
        """
        for batch in _batches(_iterate(sentences, "lists of words")):
            for tags, _ in self._tag_words([_check_words(words) for words in batch]):
                yield tags

    def _tag_words(self, documents: Sequence[Sequence[str]]) -> list[TagScores]:
        pieces = [encode_words(words, self._vocabulary) for words in documents]
        return [
            word_tags(logits, found.first(len(words)), self.labels)
            for words, found, logits in zip(
                documents, pieces, self._document_logits(pieces), strict=True
            )
        ]

    def _document_logits(self, documents: Sequence[Pieces]) -> Iterator[Floats]:
        """The logits `[n, C]` of each document's pieces, stitched where it took several windows."""
        size = self._vocabulary.max_length - 2
        plans = [windows(pieces.words, size) if len(pieces.ids) else [] for pieces in documents]
        sequences = [
            self._with_special_tokens(pieces.ids[window.start : window.end])
            for pieces, plan in zip(documents, plans, strict=True)
            for window in plan
        ]
        logits = iter(self._engine.logits(sequences))
        for plan in plans:
            kept = [np.empty((0, len(self.labels)), dtype=np.float32)]
            for start, _, keep_start, keep_end in plan:
                # Row 0 of a window belongs to [CLS].
                kept.append(next(logits)[1 + keep_start - start : 1 + keep_end - start])
            yield np.concatenate(kept)

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

    def trace(self, text: str) -> dict[str, NDArray[Any]]:
        """Every intermediate of the model for one text, from the plain NumPy reference.

        Returns:
            Arrays by name, in the order of computation: `ids` and `pieces` `[T]`, `embeddings`
            `[T, D]`, then per layer what its modules in the checkpoint give, such as
            `transformer.layer.0.attention.weights` `[H, T, T]`, and `classifier` `[T, C]`.

        Raises:
            MinnerError: the text is no string, or longer than one window of the model.
        """
        words = [text[start:end] for start, end in split_words(_check_text(text))]
        pieces = encode_words(words, self._vocabulary)
        if len(pieces.ids) > self._vocabulary.max_length - 2:
            raise MinnerError(
                f"the text has {len(pieces.ids)} pieces, but trace shows one window of at most "
                f"{self._vocabulary.max_length - 2}; pass a shorter text"
            )
        ids = self._with_special_tokens(pieces.ids)
        names = [self._vocabulary.tokenizer.id_to_token(int(index)) for index in ids]
        seen: dict[str, NDArray[Any]] = {"ids": ids, "pieces": np.array(names)}

        def record(name: str, array: Floats) -> Floats:
            seen[name] = array
            return array

        config = self._checkpoint.config
        model = reference.nested(self._checkpoint.tensors)
        reference.token_logits(ids, model, config.n_heads, config.activation, record)
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


def _batches(items: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(items, TEXTS_PER_BATCH)):
        yield batch


def _iterate(items: Any, wanted: str) -> Iterator[Any]:
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise MinnerError(f"expected {wanted}, not {type(items).__name__}")
    return iter(items)


def _check_text(text: Any) -> str:
    if not isinstance(text, str):
        raise MinnerError(f"a text must be a string, not {type(text).__name__}")
    return text


def _check_words(words: Any) -> list[str]:
    checked = list(_iterate(words, "a list of words"))
    for word in checked:
        if not isinstance(word, str):
            raise MinnerError(f"a word must be a string, not {type(word).__name__}")
    return checked
