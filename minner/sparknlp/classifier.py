"""Tags of tokens, with the probability of every label, as `...ForTokenClassification`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers.models import BPE, WordPiece

from minner.decoding.softmax import softmax
from minner.errors import MinnerError
from minner.sparknlp.annotations import Annotation, sentences
from minner.sparknlp.byte_pairs import BytePairEncoder
from minner.sparknlp.jvm import float_string
from minner.sparknlp.sentencepiece import SentencePieceEncoder
from minner.sparknlp.wordpieces import WordpieceEncoder
from minner.tagger import Tagger

Floats = NDArray[np.float32]
Row = tuple[Sequence[Annotation], Sequence[Annotation]]
"""The documents of a row, and its tokens."""

LONGEST = 512
"""What `max_sentence_length` may be at most; the model card's program sets it."""


class _Sentence(NamedTuple):
    """A sentence ready to run: its tokens, and of each wordpiece its id and where it begins."""

    tokens: list[Annotation]
    ids: list[int]
    begins: list[int]


class TokenClassifier:
    """The `...ForTokenClassification` annotators on a loaded `Tagger`.

    Spark NLP has one for each family (`BertFor...`, `RoBertaFor...`); here the tokenizer of the
    model decides how a token is cut.

    A token is tagged by its first wordpiece. It gets no annotation where it has none, because
    nothing of it is left for the model or because it stands behind `max_sentence_length`. As in
    Spark NLP, nothing tells that a sentence was cut; minner's own `Tagger` cuts none.
    """

    def __init__(
        self,
        tagger: Tagger,
        *,
        case_sensitive: bool | None = None,
        max_sentence_length: int | None = None,
    ) -> None:
        """Set up a classifier.

        Args:
            tagger: from `minner.load`.
            case_sensitive: whether tokens keep their case; what the model says where it is None,
                as Spark NLP's pretrained models do.
            max_sentence_length: wordpieces of a sentence, two special ones included, 1 to 512. 512
                where it is None, or what the model takes if that is less. (The annotator's own
                default is 128; the card's program sets 512.)

        Raises:
            MinnerError: `max_sentence_length` is out of range.
        """
        longest = min(LONGEST, tagger.vocabulary.max_length)
        length = longest if max_sentence_length is None else max_sentence_length
        if not isinstance(length, int) or not 1 <= length <= longest:
            raise MinnerError(f"max_sentence_length must be from 1 to {longest}, not {length!r}")
        if case_sensitive is None:
            case_sensitive = not tagger.vocabulary.lowercase
        self._tagger = tagger
        self._case_sensitive = case_sensitive
        self._max_length = length
        self._encoder = _encoder(tagger, case_sensitive)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the model and the settings: what the encoder remembers of words can be redone."""
        make = partial(
            type(self),
            case_sensitive=self._case_sensitive,
            max_sentence_length=self._max_length,
        )
        return make, (self._tagger,)

    def annotate(self, rows: Sequence[Row]) -> list[list[Annotation]]:
        """The named entity tags of each row, a sentence after the other.

        All rows are run as one list, packed without padding. The bits of a row do not depend on the
        others.
        """
        prepared = [[self._prepare(tokens) for tokens in sentences(*row)] for row in rows]
        logits = iter(
            self._tagger.logits(
                [self._input_ids(sentence) for sentence in chain(*prepared) if sentence.ids]
            )
        )
        return [
            [
                annotation
                for place, sentence in enumerate(row)
                if sentence.ids
                for annotation in self._tags(place, sentence, next(logits))
            ]
            for row in prepared
        ]

    def _prepare(self, tokens: list[Annotation]) -> _Sentence:
        ids: list[int] = []
        begins: list[int] = []
        for token in tokens:
            if len(ids) >= self._max_length:
                break
            for wordpiece in self._encoder.encode(token["result"], token["begin"]):
                ids.append(wordpiece.id)
                begins.append(token["begin"] + wordpiece.offset)
        return _Sentence(tokens, ids[: self._max_length], begins[: self._max_length])

    def _input_ids(self, sentence: _Sentence) -> NDArray[np.int64]:
        vocabulary = self._tagger.vocabulary
        kept = sentence.ids[: max(self._max_length - 2, 0)]
        return np.array([vocabulary.cls_id, *kept, vocabulary.sep_id], dtype=np.int64)

    def _tags(self, place: int, sentence: _Sentence, logits: Floats) -> Iterator[Annotation]:
        """One annotation for each wordpiece that begins where a token begins.

        Two oddities are Spark NLP's. Of a sentence that was cut, the first wordpiece that did not
        go in is tagged too, by the vector of [SEP]. And where decomposition lengthens a word
        (Hangul), a wordpiece of it may begin where the next token does, which then is tagged twice.
        """
        tokens: dict[int, Annotation] = {}
        for token in sentence.tokens:
            tokens.setdefault(token["begin"], token)
        scored = [
            (row, tokens[begin])
            for row, begin in enumerate(sentence.begins[: len(logits) - 1], start=1)
            if begin in tokens
        ]
        # In float64, as Spark NLP computes it; without the maximum, which float32 does not show.
        probabilities = softmax(logits[[row for row, _ in scored]].astype(np.float64))
        labels = self._tagger.labels
        best = probabilities.argmax(axis=1).tolist()
        for (_, token), label, values in zip(scored, best, probabilities, strict=True):
            yield tag_annotation(place, token, labels[label], labels, values)


def _encoder(
    tagger: Tagger, case_sensitive: bool
) -> WordpieceEncoder | BytePairEncoder | SentencePieceEncoder:
    """What cuts tokens as the annotator of the model's family does."""
    vocabulary = tagger.vocabulary
    if isinstance(vocabulary.tokenizer.model, WordPiece):
        return WordpieceEncoder(vocabulary, case_sensitive=case_sensitive)
    if isinstance(vocabulary.tokenizer.model, BPE):
        return BytePairEncoder(vocabulary, case_sensitive=case_sensitive)
    return SentencePieceEncoder(
        vocabulary,
        case_sensitive=case_sensitive,
        keeps_spaces=tagger.config.model_type == "camembert",
    )


def tag_annotation(
    place: int, token: Annotation, tag: str, labels: Sequence[str], probabilities: Floats
) -> Annotation:
    """The tag of a token as Spark NLP writes it.

    Args:
        place: of the token's sentence in its row.
        token: what is tagged.
        tag: its label.
        labels: all C labels of the model.
        probabilities: float32 `[C]`, of each label.
    """
    return Annotation(
        annotatorType="named_entity",
        begin=token["begin"],
        end=token["end"],
        result=tag,
        metadata={
            "sentence": str(place),
            "word": token["result"],
            **dict(zip(labels, map(float_string, probabilities), strict=True)),
        },
    )
