"""minner's own word rule behind Spark NLP's annotations.

Words are cut as the model was trained to see them, and the model sees all of a word, where Spark
NLP shows it the first part only. Texts longer than the model's positions are read in windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from minner.document import Document
from minner.sparknlp.annotations import Annotation, sentences
from minner.sparknlp.classifier import Row, tag_annotation
from minner.sparknlp.tokenizer import Tokenizer
from minner.tagger import Tagger
from minner.text.words import Span, split_words


class WholeWordTokenizer(Tokenizer):
    """A `Tokenizer` whose tokens are minner's words; it has no settings."""

    def __init__(self) -> None:
        super().__init__()

    def split(self, text: str) -> list[Span]:
        """The spans of all words of a text, in code points, ends exclusive."""
        return split_words(text)


class WholeWordClassifier:
    """Tags tokens as `Tagger.tag` does: by the first wordpiece of each, the others in sight."""

    def __init__(self, tagger: Tagger) -> None:
        """Set up a classifier on a model from `minner.load`."""
        self._tagger = tagger

    def annotate(self, rows: Sequence[Row]) -> list[list[Annotation]]:
        """The named entity tags of each row, one for every token, a sentence after the other."""
        prepared = [sentences(*row) for row in rows]
        documents = self._tagger.documents(
            [token["result"] for token in sentence] for sentence in chain(*prepared)
        )
        labels = self._tagger.labels
        return [
            [
                tag_annotation(place, token, tag, labels, probabilities)
                for place, sentence in enumerate(row)
                for token, tag, probabilities in _tagged(sentence, next(documents))
            ]
            for row in prepared
        ]


def _tagged(
    sentence: list[Annotation], document: Document
) -> Iterable[tuple[Annotation, str, NDArray[np.float32]]]:
    return zip(sentence, document.tags, document.probabilities, strict=True)
