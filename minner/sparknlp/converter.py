"""Chunks from tagged tokens, as Spark NLP's `NerConverter`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from minner.decoders.ner_converter import ner_converter_chunks
from minner.errors import MinnerError
from minner.options import label_set
from minner.sparknlp.annotations import Annotation, inhabited, sentences
from minner.sparknlp.jvm import Utf16Text, float_string


class TaggedToken(NamedTuple):
    """A token, its tag, and the probability of that tag as its annotation writes it, if at all."""

    token: Annotation
    tag: str
    confidence: str | None


class NerConverter:
    """The `NerConverter` annotator: settings, and a row's annotations in, its chunks out."""

    def __init__(
        self,
        *,
        white_list: Sequence[str] | None = None,
        preserve_position: bool = True,
        ner_has_no_schema: bool = False,
    ) -> None:
        """Set up a converter.

        Args:
            white_list: types to keep, without `B-` or `I-`; all where it is None.
            preserve_position: whether a chunk's text is what the document has from its first to
                its last token; where False, it is the first token alone, as in Spark NLP.
            ner_has_no_schema: whether tags are bare types; see `ner_converter_chunks`.

        Raises:
            MinnerError: the white list is no list of strings.
        """
        self._white_list = None if white_list is None else label_set("white_list", white_list)
        self._preserve_position = preserve_position
        self._has_schema = not ner_has_no_schema

    def annotate(
        self,
        documents: Sequence[Annotation],
        tokens: Sequence[Annotation],
        tags: Sequence[Annotation],
    ) -> list[Annotation]:
        """The chunks of a row, numbered after the white list has been applied.

        Raises:
            MinnerError: a chunk lies outside the text of its sentence.
        """
        tagged = tag_tokens(sentences(documents, tokens), tags)
        texts = [sentence for sentence, _ in inhabited(documents, tokens)]
        found = [
            annotation
            # Fewer sentences than texts where documents share a number.
            for place, (sentence, words) in enumerate(zip(texts, tagged, strict=False))
            for annotation in self._chunks(place, sentence, words)
        ]
        for number, annotation in enumerate(found):
            annotation["metadata"]["chunk"] = str(number)
        return found

    def _chunks(
        self, place: int, sentence: Annotation, words: Sequence[TaggedToken]
    ) -> Iterator[Annotation]:
        text = Utf16Text(sentence["result"])
        tags = [word.tag for word in words]
        for chunk in ner_converter_chunks(tags, has_schema=self._has_schema):
            ours = words[chunk.first : chunk.last + 1]
            begin, end = ours[0].token["begin"], ours[-1].token["end"]
            start, stop = begin - sentence["begin"], end - sentence["begin"]
            if not 0 <= start <= stop < len(text):
                raise MinnerError(
                    f"a chunk has the offsets {start} to {stop}, outside the {len(text)} "
                    f"characters of its sentence; give documents, tokens and tags of one text"
                )
            if self._white_list is not None and chunk.label not in self._white_list:
                continue
            confidence = mean_confidence(ours)
            yield Annotation(
                annotatorType="chunk",
                begin=begin,
                end=end,
                result=(
                    text.slice(start, stop + 1)
                    if self._preserve_position
                    else ours[0].token["result"]
                ),
                metadata={
                    "entity": chunk.label,
                    "sentence": str(place),
                    "chunk": "",
                    **({} if confidence is None else {"confidence": confidence}),
                },
            )


def tag_tokens(
    sentences: Sequence[Sequence[Annotation]], tags: Sequence[Annotation]
) -> list[list[TaggedToken]]:
    """Give each token the first tag annotation that begins where it does, or else `O`.

    Its confidence is the annotation's `confidence`, as other taggers of Spark NLP write it, or what
    the metadata say of the label itself.
    """
    first: dict[int, Annotation] = {}
    for annotation in tags:
        first.setdefault(annotation["begin"], annotation)

    def tagged(token: Annotation) -> TaggedToken:
        annotation = first.get(token["begin"])
        if annotation is None:
            return TaggedToken(token, "O", None)
        tag, metadata = annotation["result"], annotation["metadata"]
        return TaggedToken(token, tag, metadata.get("confidence", metadata.get(tag)))

    return [[tagged(token) for token in tokens] for tokens in sentences]


def mean_confidence(words: Sequence[TaggedToken]) -> str | None:
    """The mean of the words' confidences, summed in float32 in their order, as Java prints it.

    None where no word has one, or one is no number.
    """
    try:
        numbers = [np.float32(word.confidence) for word in words if word.confidence is not None]
    except ValueError:
        return None
    if not numbers:
        return None
    total = np.float32(0)
    for number in numbers:
        total += number
    return float_string(total / np.float32(len(numbers)))
