"""A recognizer for Presidio: minner finds the names, Presidio the numbers, and masks both.

Example::

    from minner.presidio import MinnerRecognizer
    from presidio_analyzer import AnalyzerEngine

    analyzer = AnalyzerEngine(...)
    analyzer.registry.add_recognizer(MinnerRecognizer())

`docs/presidio.md` has whole programs, one of them without a spaCy model.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

try:
    from presidio_analyzer import AnalysisExplanation, EntityRecognizer, RecognizerResult
    from presidio_analyzer.nlp_engine import NlpArtifacts
except ImportError as error:
    raise ImportError(
        "minner.presidio needs presidio-analyzer: pip install 'minner-ner[presidio]'"
    ) from error

import minner
from minner.errors import MinnerError
from minner.options import refuse_unknown
from minner.tagger import Tagger

ENTITIES = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION", "MISC": "NRP"}
"""Presidio's name for each label of the embedded model; NRP are nationalities and the like."""


class MinnerRecognizer(EntityRecognizer):
    """Finds names with minner, whatever NLP engine Presidio runs.

    Presidio's `NlpArtifacts` are not used, so any engine will do, a blank one too. A result's score
    is that of the entity, its offsets count code points, as Presidio's do.
    """

    name: str

    def __init__(
        self,
        model: Tagger | str | os.PathLike[str] | None = None,
        *,
        entities: Mapping[str, str] | None = None,
        supported_language: str = "en",
        name: str = "MinnerRecognizer",
        **options: Any,
    ) -> None:
        """Load the model.

        Args:
            model: from `minner.load`, or what that takes; the embedded one where it is None.
            entities: Presidio's name for each label; a label that is left out is not reported.
                ENTITIES where it is None, and for a model of other labels the labels themselves.
            supported_language: of the texts, as Presidio writes it.
            name: of the recognizer, in Presidio's registry and in its results.
            options: how texts are read, as for `Tagger.with_options`: `min_score`, `decoder`, ...

        Raises:
            MinnerError: the model cannot be loaded, an option has no such value, or `entities`
                names no label of the model, or one that it does not have.
        """
        tagger = model if isinstance(model, Tagger) else minner.load(model)
        # Presidio counts code points, and chooses by its own names.
        self._ner = tagger.with_options(**options, offsets="codepoints", inclusive_ends=False)
        self._names = _names(entities, self._ner.entity_labels)
        super().__init__(
            supported_entities=sorted(set(self._names.values())),
            supported_language=supported_language,
            name=name,
        )

    def load(self) -> None:
        """Nothing is left to load; Presidio calls this."""

    def analyze(
        self, text: str, entities: Sequence[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """The entities of a text whose Presidio names are asked for; all where none are named."""
        wanted = set(entities or self.supported_entities)
        return [
            self._result(self._names[entity.label], entity.start, entity.end, entity.score)
            for entity in self._ner(text)
            if self._names.get(entity.label) in wanted
        ]

    def _result(self, kind: str, start: int, end: int, score: float) -> RecognizerResult:
        return RecognizerResult(
            entity_type=kind,
            start=start,
            end=end,
            score=score,
            analysis_explanation=AnalysisExplanation(
                recognizer=self.name,
                original_score=score,
                textual_explanation=f"minner's model reads it as {kind}",
            ),
            recognition_metadata={
                RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
                RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
            },
        )


def _names(entities: Any, labels: Sequence[str]) -> dict[str, str]:
    """Presidio's name for each label that is reported."""
    if entities is None:
        return {label: ENTITIES.get(label, label) for label in labels}
    if not isinstance(entities, Mapping) or not entities:
        raise MinnerError(
            f"entities must map labels to names of Presidio, as {{'PER': 'PERSON'}}, not "
            f"{entities!r}"
        )
    refuse_unknown(entities, labels, "label")
    return dict(entities)
