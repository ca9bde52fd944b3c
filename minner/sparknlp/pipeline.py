"""Text in, annotations out: the card's four stages in the shape of Spark NLP's `LightPipeline`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import overload

import minner
from minner.errors import MinnerError
from minner.sparknlp.annotations import Annotation, document
from minner.sparknlp.classifier import TokenClassifier
from minner.sparknlp.converter import NerConverter
from minner.sparknlp.tokenizer import Tokenizer
from minner.tagger import Tagger

Columns = dict[str, list[Annotation]]
"""A text's annotations by column: document, token, ner, entities."""


class LightPipeline:
    """DocumentAssembler, Tokenizer, DistilBertForTokenClassification and NerConverter in a row.

    The names are those of the model card's program. There is no sentence splitter in it, so a text
    is one sentence, and what stands behind `max_sentence_length` pieces is tagged `O`.
    """

    def __init__(
        self,
        model: Tagger | str | os.PathLike[str] | None = None,
        *,
        case_sensitive: bool | None = None,
        max_sentence_length: int | None = None,
        tokenizer: Tokenizer | None = None,
        converter: NerConverter | None = None,
    ) -> None:
        """Build the pipeline; nothing needs fitting.

        Args:
            model: from `minner.load`, or what that takes; the embedded one where it is None.
            case_sensitive: as for `TokenClassifier`.
            max_sentence_length: as for `TokenClassifier`: 512 as in the card's program, if the
                model takes it.
            tokenizer: Spark NLP's defaults where it is None.
            converter: Spark NLP's defaults where it is None.

        Raises:
            MinnerError: the model cannot be loaded, or `max_sentence_length` is out of range.
        """
        tagger = model if isinstance(model, Tagger) else minner.load(model)
        self._tokenizer = tokenizer or Tokenizer()
        self._classifier = TokenClassifier(
            tagger, case_sensitive=case_sensitive, max_sentence_length=max_sentence_length
        )
        self._converter = converter or NerConverter()

    @overload
    def annotate(self, target: str) -> dict[str, list[str]]: ...  # type: ignore[overload-overlap]
    @overload
    def annotate(self, target: Iterable[str | None]) -> list[dict[str, list[str]]]: ...

    def annotate(
        self, target: str | Iterable[str | None]
    ) -> dict[str, list[str]] | list[dict[str, list[str]]]:
        """The results alone, by column: a dictionary for a text, a list of them for a list.

        Raises:
            MinnerError: something else than texts was given.
        """
        rows = [
            {column: [item["result"] for item in items] for column, items in row.items()}
            for row in self.fullAnnotate(target)
        ]
        return rows[0] if isinstance(target, str) else rows

    def fullAnnotate(self, target: str | Iterable[str | None]) -> list[Columns]:
        """The annotations by column, a dictionary per text.

        As in Spark NLP's Python, the result is a list even for a single text. A None in a list is
        an empty text. A list is tokenised whole and run packed, so give long ones.

        Raises:
            MinnerError: something else than texts was given.
        """
        documents = [[document(text)] for text in _texts(target)]
        tokens = [self._tokenizer.annotate(row) for row in documents]
        tags = self._classifier.annotate(list(zip(documents, tokens, strict=True)))
        return [
            {
                "document": row[0],
                "token": row[1],
                "ner": row[2],
                "entities": self._converter.annotate(*row),
            }
            for row in zip(documents, tokens, tags, strict=True)
        ]


def _texts(target: str | Iterable[str | None]) -> list[str | None]:
    if isinstance(target, str):
        return [target]
    if isinstance(target, bytes) or not isinstance(target, Iterable):
        raise MinnerError(f"expected a text or a list of texts, not {type(target).__name__}")
    texts = list(target)
    for text in texts:
        if not isinstance(text, str | None):
            raise MinnerError(f"a text must be a string or None, not {type(text).__name__}")
    return texts
