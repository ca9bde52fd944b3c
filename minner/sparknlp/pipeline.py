"""Text in, annotations out: the card's four stages in the shape of Spark NLP's `LightPipeline`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple, overload

import minner
from minner.errors import MinnerError
from minner.sparknlp.annotations import Annotation, document
from minner.sparknlp.classifier import TokenClassifier
from minner.sparknlp.converter import NerConverter
from minner.sparknlp.names import refuse_model_of_spark_nlp
from minner.sparknlp.tokenizer import Tokenizer
from minner.sparknlp.whole_words import WholeWordClassifier
from minner.tagger import Tagger

Columns = dict[str, list[Annotation]]
"""A text's annotations by column: document, token, ner, entities."""
Rows = Sequence[Sequence[Annotation]]
"""The annotations of each row."""


class Stage(NamedTuple):
    """A stage of a pipeline: the columns it reads and writes, and what it does with their rows."""

    inputs: tuple[str, ...]
    output: str
    annotate: Callable[..., Rows]


class Plan(NamedTuple):
    """What a pipeline does with a text."""

    document: str
    """The column of documents."""
    assemble: Callable[[str | None], Annotation]
    """Makes a text a document."""
    stages: Sequence[Stage]
    kept: frozenset[str] | None = None
    """The columns that are given back; all where it is None."""


class LightPipeline:
    """DocumentAssembler, Tokenizer, DistilBertForTokenClassification and NerConverter in a row.

    The names are those of the model card's program. There is no sentence splitter in it, so a text
    is one sentence, and what stands behind `max_sentence_length` wordpieces is tagged `O`.

    A fitted pipeline of `minner.spark` may be given instead: then its stages run here, without
    Spark's workers, on the texts of a list.
    """

    def __init__(
        self,
        model: Tagger | str | os.PathLike[str] | Any | None = None,
        parse_embeddings: bool = False,
        *,
        case_sensitive: bool | None = None,
        max_sentence_length: int | None = None,
        tokenizer: Tokenizer | None = None,
        converter: NerConverter | None = None,
    ) -> None:
        """Build the pipeline; nothing needs fitting.

        Args:
            model: from `minner.load`, or what that takes; the embedded one where it is None. Or a
                fitted pipeline, `pipeline.fit(data)`, whose stages are those of `minner.spark`;
                it has its settings in its stages.
            parse_embeddings: not used; programs for Spark NLP give it.
            case_sensitive: as for `TokenClassifier`.
            max_sentence_length: as for `TokenClassifier`: 512 as in the card's program, if the
                model takes it.
            tokenizer: Spark NLP's defaults where it is None.
            converter: Spark NLP's defaults where it is None.

        Raises:
            MinnerError: the model cannot be loaded, `max_sentence_length` is out of range, or a
                stage of the fitted pipeline is none of minner's.
        """
        settings = (case_sensitive, max_sentence_length, tokenizer, converter)
        self._fitted: Any = model if _is_pipeline(model) else None
        if self._fitted is not None:
            if any(setting is not None for setting in settings):
                raise MinnerError(
                    "a fitted pipeline has its settings in its stages; set them there"
                )
            # By name: minner.spark stands on this package, and most programs have no Spark.
            read_pipeline = import_module("minner.spark.light").read_pipeline

            self._plan = read_pipeline(self._fitted)
        else:
            self._plan = _card_plan(model, *settings)

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
        plan = self._plan
        columns: dict[str, Rows] = {
            plan.document: [[plan.assemble(text)] for text in _texts(target)]
        }
        for stage in plan.stages:
            columns[stage.output] = stage.annotate(*(columns[name] for name in stage.inputs))
        kept = [name for name in columns if plan.kept is None or name in plan.kept]
        return [
            {name: list(row) for name, row in zip(kept, rows, strict=True)}
            for rows in zip(*(columns[name] for name in kept), strict=True)
        ]

    def transform(self, dataset: Any) -> Any:
        """A data frame with the columns that the fitted pipeline adds, made by Spark.

        Raises:
            MinnerError: this pipeline was not built from a fitted one.
        """
        if self._fitted is None:
            raise MinnerError(
                "transform needs a pipeline of minner.spark: LightPipeline(pipeline.fit(data))"
            )
        return self._fitted.transform(dataset)


def _card_plan(
    model: Tagger | str | os.PathLike[str] | None,
    case_sensitive: bool | None,
    max_sentence_length: int | None,
    tokenizer: Tokenizer | None,
    converter: NerConverter | None,
) -> Plan:
    """The stages of the model card's program."""
    if isinstance(model, str):
        refuse_model_of_spark_nlp(model)
    tagger = model if isinstance(model, Tagger) else minner.load(model)
    cut = tokenizer or Tokenizer()
    classify = TokenClassifier(
        tagger, case_sensitive=case_sensitive, max_sentence_length=max_sentence_length
    )
    convert = converter or NerConverter()
    return Plan(
        "document",
        document,
        [
            Stage(("document",), "token", partial(annotate_each, cut)),
            Stage(("document", "token"), "ner", partial(annotate_together, classify)),
            Stage(("document", "token", "ner"), "entities", partial(annotate_each, convert)),
        ],
    )


def annotate_each(stage: Tokenizer | NerConverter, *columns: Rows) -> Rows:
    """What a stage that reads a row at a time makes of some columns."""
    return [stage.annotate(*row) for row in zip(*columns, strict=True)]


def annotate_together(
    stage: TokenClassifier | WholeWordClassifier, documents: Rows, tokens: Rows
) -> Rows:
    """What a stage that reads all rows at once makes of its two columns."""
    return stage.annotate(list(zip(documents, tokens, strict=True)))


def _is_pipeline(model: object) -> bool:
    """Whether it is one of Spark's, without importing PySpark."""
    return type(model).__module__.partition(".")[0] == "pyspark"


def _texts(target: str | Iterable[str | None]) -> list[str | None]:
    if isinstance(target, str):
        return [target]
    if isinstance(target, bytes | Mapping) or not isinstance(target, Iterable):
        raise MinnerError(f"expected a text or a list of texts, not {type(target).__name__}")
    texts = list(target)
    for text in texts:
        if not isinstance(text, str | None):
            raise MinnerError(f"a text must be a string or None, not {type(text).__name__}")
    return texts
