"""From documents to tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from pyspark.ml.param import TypeConverters
from pyspark.sql.types import StructField

from minner import sparknlp
from minner.errors import MinnerError
from minner.spark.annotator import Annotate, Annotator
from minner.spark.params import WORD_RULE, accessors, param, word_rule
from minner.sparknlp.tokenizer import CONTEXT_CHARS
from minner.sparknlp.whole_words import WholeWordTokenizer


class Tokenizer(Annotator):
    """Spark NLP's `Tokenizer`. It needs no fitting.

    Its settings are those of `minner.sparknlp.Tokenizer`, under Spark NLP's names; patterns are
    Java's.
    """

    input_types = ("document",)
    output_type = "token"

    wordRule = param(
        "wordRule",
        "sparknlp, whose words the settings below change; or minner, which cuts words as the model "
        "was trained to see them. A classifier that reads these tokens follows the same rule",
        word_rule,
    )
    setWordRule, getWordRule = accessors("wordRule")
    targetPattern = param("targetPattern", "what candidates are made of", TypeConverters.toString)
    setTargetPattern, getTargetPattern = accessors("targetPattern")
    contextChars = param(
        "contextChars", "split from both ends of a candidate", TypeConverters.toListString
    )
    setContextChars, getContextChars = accessors("contextChars")
    prefixPattern = param(
        "prefixPattern", r"starts with \A; each of its groups is a token", TypeConverters.toString
    )
    setPrefixPattern, getPrefixPattern = accessors("prefixPattern")
    infixPatterns = param(
        "infixPatterns", "between prefix and suffix; groups are tokens", TypeConverters.toListString
    )
    setInfixPatterns, getInfixPatterns = accessors("infixPatterns")
    suffixPattern = param(
        "suffixPattern", r"ends with \z; each of its groups is a token", TypeConverters.toString
    )
    setSuffixPattern, getSuffixPattern = accessors("suffixPattern")
    exceptions = param(
        "exceptions", "patterns of what is not to be split", TypeConverters.toListString
    )
    setExceptions, getExceptions = accessors("exceptions")
    caseSensitiveExceptions = param(
        "caseSensitiveExceptions", "whether exceptions heed case", TypeConverters.toBoolean
    )
    setCaseSensitiveExceptions, getCaseSensitiveExceptions = accessors("caseSensitiveExceptions")
    splitPattern = param("splitPattern", "cuts tokens", TypeConverters.toString)
    setSplitPattern, getSplitPattern = accessors("splitPattern")
    splitChars = param("splitChars", "characters that cut tokens", TypeConverters.toListString)
    setSplitChars, getSplitChars = accessors("splitChars")
    minLength = param("minLength", "tokens of fewer UTF-16 units are dropped", TypeConverters.toInt)
    setMinLength, getMinLength = accessors("minLength")
    maxLength = param("maxLength", "tokens of more UTF-16 units are dropped", TypeConverters.toInt)
    setMaxLength, getMaxLength = accessors("maxLength")

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(
            wordRule="sparknlp",
            targetPattern=r"\S+",
            contextChars=list(CONTEXT_CHARS),
            prefixPattern=None,
            infixPatterns=None,
            suffixPattern=None,
            exceptions=[],
            caseSensitiveExceptions=True,
            splitPattern=None,
            splitChars=[],
            minLength=0,
            maxLength=None,
        )

    def _builder(self, inputs: list[StructField]) -> Callable[[], Annotate]:
        settings = [item for item in self.params if item.name not in _NO_SETTINGS]
        if self.getWordRule() == "sparknlp":
            values = {_snake_case(item.name): self.getOrDefault(item) for item in settings}
            return partial(_annotator, sparknlp.Tokenizer, values)
        for item in filter(self.isSet, settings):
            raise MinnerError(f"Tokenizer: {item.name} has no meaning for minner's own word rule")
        return partial(_annotator, WholeWordTokenizer, {})

    def _metadata(self) -> dict[str, Any]:
        return {**super()._metadata(), WORD_RULE: self.getWordRule()}


_NO_SETTINGS = ("inputCols", "outputCol", WORD_RULE)


def _snake_case(name: str) -> str:
    return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name)


def _annotator(rule: type[sparknlp.Tokenizer], settings: dict[str, Any]) -> Annotate:
    tokenizer = rule(**settings)
    return lambda documents: [tokenizer.annotate(row) for row in documents]
