"""From documents and tokens to tags: the stage that runs the model."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from pyspark.ml.param import TypeConverters
from pyspark.sql.types import StructField

from minner import sparknlp
from minner.spark.annotator import Annotate, Annotator
from minner.spark.params import WORD_RULE, WORD_RULES, accessors, at_least_one, param, word_rule
from minner.spark.worker import task_tagger
from minner.sparknlp.whole_words import WholeWordClassifier
from minner.streams import TEXTS_PER_BATCH
from minner.weights.hub import find_checkpoint


class DistilBertForTokenClassification(Annotator):
    """Spark NLP's `DistilBertForTokenClassification` on minner's engine.

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
        "pieces of a sentence that the model sees, for sparknlp's word rule, at most 512; all that "
        "the model takes where it is not set. (minner's rule reads longer ones in windows)",
        TypeConverters.toInt,
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
        cls, name: str | os.PathLike[str] | None = None, lang: str = "en"
    ) -> DistilBertForTokenClassification:
        """A classifier with a model.

        Args:
            name: as in `minner.load`: a directory, or a repository on the Hugging Face Hub; the
                embedded model where it is None.
            lang: not used; programs for Spark NLP give it.

        Raises:
            MinnerError: there is no such model.
        """
        find_checkpoint(name)
        stage = cls()
        return stage if name is None else stage.setModel(os.fspath(name))

    def _builder(self, inputs: list[StructField]) -> Callable[[], Annotate]:
        _, tokens = inputs
        rule = self.getWordRule() or tokens.metadata.get(WORD_RULE, WORD_RULES[0])
        settings = {
            "case_sensitive": self.getCaseSensitive(),
            "max_sentence_length": self.getMaxSentenceLength(),
        }
        return partial(_annotator, self.getModel(), self.getThreads(), rule, settings)

    def _rows(self) -> int:
        size: int = self.getBatchSize()
        return size


def _annotator(
    model: str | None, threads: int | None, rule: str, settings: dict[str, Any]
) -> Annotate:
    tagger = task_tagger(model, threads)
    classifier = (
        sparknlp.TokenClassifier(tagger, **settings)
        if rule == "sparknlp"
        else WholeWordClassifier(tagger)
    )
    return lambda documents, tokens: classifier.annotate(list(zip(documents, tokens, strict=True)))
