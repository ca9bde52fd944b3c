"""From documents and tokens to tags: the stage that runs the model."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.ml.param import TypeConverters
from pyspark.sql.types import StructField

import minner
from minner import sparknlp
from minner.errors import MinnerError
from minner.spark.annotator import Annotate, Annotator
from minner.spark.params import (
    WORD_RULE,
    WORD_RULES,
    accessors,
    at_least_one,
    param,
    sentence_length,
    word_rule,
)
from minner.spark.worker import task_tagger
from minner.sparknlp.names import refuse_model_of_spark_nlp
from minner.sparknlp.pipeline import annotate_together
from minner.sparknlp.whole_words import WholeWordClassifier
from minner.streams import TEXTS_PER_BATCH
from minner.tagger import Tagger
from minner.weights.hub import find_checkpoint


class DistilBertForTokenClassification(Annotator):
    """Spark NLP's `DistilBertForTokenClassification` on minner's engine.

    Those for other families are derived from it and differ in name alone: the files of a model say
    what it is, and each of these runs every model.

    The embedded model is there wherever minner is installed. Any other is loaded by its name in
    the driver and in every worker, so a directory must be there on all machines.
    """

    input_types = ("document", "token")
    output_type = "named_entity"

    model = param(
        "model",
        "a directory in Hugging Face layout, or owner/name on its hub; the embedded model where it "
        "is not set",
        TypeConverters.toString,
    )
    setModel, getModel = accessors("model")
    threads = param(
        "threads",
        "of the engine of a task; where it is not set, the cores that Spark gives a task "
        "(spark.task.cpus)",
        at_least_one,
    )
    setThreads, getThreads = accessors("threads")
    batchSize = param(
        "batchSize",
        "rows that go to the model at once, packed into native calls; decides about no result",
        at_least_one,
    )
    setBatchSize, getBatchSize = accessors("batchSize")
    wordRule = param(
        WORD_RULE,
        "how the model sees a token: its first part, as with sparknlp, or all of it, as with "
        "minner; where it is not set, by the rule that the tokens were cut by",
        word_rule,
    )
    setWordRule, getWordRule = accessors(WORD_RULE)
    caseSensitive = param(
        "caseSensitive",
        "whether tokens keep their case, for sparknlp's word rule; what the model says where it is "
        "not set",
        TypeConverters.toBoolean,
    )
    setCaseSensitive, getCaseSensitive = accessors("caseSensitive")
    maxSentenceLength = param(
        "maxSentenceLength",
        "wordpieces of a sentence that the model sees, for sparknlp's word rule, at most 512; all "
        "that the model takes where it is not set. (minner's rule reads longer ones in windows)",
        sentence_length,
    )
    setMaxSentenceLength, getMaxSentenceLength = accessors("maxSentenceLength")

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(
            model=None,
            threads=None,
            batchSize=TEXTS_PER_BATCH,
            wordRule=None,
            caseSensitive=None,
            maxSentenceLength=None,
        )

    @classmethod
    def pretrained(
        cls,
        name: str | os.PathLike[str] | None = None,
        lang: str = "en",
        remote_loc: str | None = None,
        *,
        engine: str | None = None,
    ) -> DistilBertForTokenClassification:
        """A classifier with a model.

        Args:
            name: as in `minner.load`: a directory, or a repository on the Hugging Face Hub; the
                embedded model where it is None.
            lang: not used, as the next two; programs for Spark NLP give it.
            remote_loc: where Spark NLP would look for its models.
            engine: what Spark NLP would run the model with.

        Raises:
            MinnerError: there is no such model, or it is one of Spark NLP's own.
        """
        if isinstance(name, str):
            refuse_model_of_spark_nlp(name)
        find_checkpoint(name)
        stage = cls()
        return stage if name is None else stage.setModel(os.fspath(name))

    @classmethod
    def loadSavedModel(
        cls,
        folder: str | os.PathLike[str],
        spark_session: object = None,
        use_openvino: bool = False,
    ) -> DistilBertForTokenClassification:
        """A classifier with the model of a directory, which transformers' `save_pretrained` wrote.

        Args:
            folder: a directory in Hugging Face layout.
            spark_session: not used, as the next; programs for Spark NLP give it.
            use_openvino: whether Spark NLP would run the model with OpenVINO.

        Raises:
            MinnerError: there is no such directory, or it holds no model in that layout.
        """
        path = Path(os.fspath(folder).removeprefix("file://"))
        if not (path / "config.json").is_file():
            raise MinnerError(
                f"{str(path)!r} has no config.json: give the directory that save_pretrained wrote, "
                f"not a model that was exported for Spark NLP"
            )
        return cls().setModel(str(path))

    def getClasses(self) -> list[str]:
        """The labels of the model."""
        return list(task_tagger(self.getModel(), self.getThreads()).labels)

    def local(self, inputs: list[StructField]) -> Annotate:
        """The stage's function, on all cores of this process unless `threads` says otherwise."""
        tagger = minner.load(self.getModel(), threads=self.getThreads())
        return _annotator(tagger, *self._settings(inputs))

    def _builder(self, inputs: list[StructField]) -> Callable[[], Annotate]:
        return partial(_task_annotator, self.getModel(), self.getThreads(), *self._settings(inputs))

    def _settings(self, inputs: list[StructField]) -> tuple[str, dict[str, Any]]:
        """The word rule, and what the classifier is set to where it is Spark NLP's."""
        _, tokens = inputs
        return self.getWordRule() or tokens.metadata.get(WORD_RULE, WORD_RULES[0]), {
            "case_sensitive": self.getCaseSensitive(),
            "max_sentence_length": self.getMaxSentenceLength(),
        }

    def _rows(self) -> int:
        size: int = self.getBatchSize()
        return size


class BertForTokenClassification(DistilBertForTokenClassification):
    """Spark NLP's `BertForTokenClassification` on minner's engine."""


class RoBertaForTokenClassification(DistilBertForTokenClassification):
    """Spark NLP's `RoBertaForTokenClassification` on minner's engine."""


class XlmRoBertaForTokenClassification(DistilBertForTokenClassification):
    """Spark NLP's `XlmRoBertaForTokenClassification` on minner's engine."""


class CamemBertForTokenClassification(DistilBertForTokenClassification):
    """Spark NLP's `CamemBertForTokenClassification` on minner's engine."""


def _task_annotator(
    model: str | None, threads: int | None, rule: str, settings: dict[str, Any]
) -> Annotate:
    return _annotator(task_tagger(model, threads), rule, settings)


def _annotator(tagger: Tagger, rule: str, settings: dict[str, Any]) -> Annotate:
    classifier = (
        sparknlp.TokenClassifier(tagger, **settings)
        if rule == "sparknlp"
        else WholeWordClassifier(tagger)
    )
    return partial(annotate_together, classifier)
