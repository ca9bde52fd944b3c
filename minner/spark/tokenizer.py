"""From documents to tokens."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.ml.param import TypeConverters
from pyspark.sql.types import StructField

from minner import sparknlp
from minner.errors import MinnerError
from minner.spark.annotator import Annotate, Annotator
from minner.spark.params import WORD_RULE, accessors, not_negative, param, word_rule
from minner.sparknlp.pipeline import annotate_each
from minner.sparknlp.tokenizer import CONTEXT_CHARS
from minner.sparknlp.whole_words import WholeWordTokenizer


def single_characters(value: Any) -> list[str]:
    """Convert to a list of single characters, which may have a backslash before them."""
    characters: list[str] = TypeConverters.toListString(value)
    for character in characters:
        if len(character.removeprefix("\\") or character) != 1:
            raise MinnerError(f"single characters are needed, not {character!r}")
    return characters


def _adder(name: str, first: bool = False) -> Callable[[Tokenizer, str], Tokenizer]:
    """A method that adds a value to a list, at its end or as its first."""

    def add(self: Tokenizer, value: str) -> Tokenizer:
        before: list[str] = self.getOrDefault(name) or []
        owner: Tokenizer = self._set(**{name: [value, *before] if first else [*before, value]})
        return owner

    add.__doc__ = f"Add a value to `{name}`, as its {'first' if first else 'last'}."
    return add


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
    contextChars = param("contextChars", "split from both ends of a candidate", single_characters)
    setContextChars, getContextChars = accessors("contextChars")
    addContextChars = _adder("contextChars")
    prefixPattern = param(
        "prefixPattern", r"starts with \A; each of its groups is a token", TypeConverters.toString
    )
    setPrefixPattern, getPrefixPattern = accessors("prefixPattern")
    infixPatterns = param(
        "infixPatterns", "between prefix and suffix; groups are tokens", TypeConverters.toListString
    )
    setInfixPatterns, getInfixPatterns = accessors("infixPatterns")
    addInfixPattern = _adder("infixPatterns", first=True)
    suffixPattern = param(
        "suffixPattern", r"ends with \z; each of its groups is a token", TypeConverters.toString
    )
    setSuffixPattern, getSuffixPattern = accessors("suffixPattern")
    exceptions = param(
        "exceptions", "patterns of what is not to be split", TypeConverters.toListString
    )
    setExceptions, getExceptions = accessors("exceptions")
    addException = _adder("exceptions")
    exceptionsPath = param(
        "exceptionsPath",
        "a file with an exception a line, read by the driver",
        TypeConverters.toString,
    )
    caseSensitiveExceptions = param(
        "caseSensitiveExceptions", "whether exceptions heed case", TypeConverters.toBoolean
    )
    setCaseSensitiveExceptions, getCaseSensitiveExceptions = accessors("caseSensitiveExceptions")
    splitPattern = param("splitPattern", "cuts tokens", TypeConverters.toString)
    setSplitPattern, getSplitPattern = accessors("splitPattern")
    splitChars = param("splitChars", "characters that cut tokens", single_characters)
    setSplitChars, getSplitChars = accessors("splitChars")
    addSplitChars = _adder("splitChars")
    minLength = param("minLength", "tokens of fewer UTF-16 units are dropped", not_negative)
    setMinLength, getMinLength = accessors("minLength")
    maxLength = param("maxLength", "tokens of more UTF-16 units are dropped", not_negative)
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
            exceptionsPath=None,
            caseSensitiveExceptions=True,
            splitPattern=None,
            splitChars=[],
            minLength=0,
            maxLength=None,
        )

    def setExceptionsPath(
        self, path: str | os.PathLike[str], read_as: object = None, options: object = None
    ) -> Tokenizer:
        """Set a file of exceptions, one a line, which stand before those of `setExceptions`.

        Args:
            path: of the file; it is read when the stage is used.
            read_as: not used, as the next; programs for Spark NLP give it.
            options: how Spark NLP would read the file.
        """
        owner: Tokenizer = self._set(exceptionsPath=os.fspath(path).removeprefix("file://"))
        return owner

    def fit(self, dataset: object = None) -> Tokenizer:
        """The tokenizer itself: nothing needs fitting. Spark NLP's has a model of its own."""
        return self

    def _builder(self, inputs: list[StructField]) -> Callable[[], Annotate]:
        settings = [item for item in self.params if item.name not in _NO_SETTINGS]
        if self.getWordRule() == "sparknlp":
            values = {_snake_case(item.name): self.getOrDefault(item) for item in settings}
            values["exceptions"] = [*_lines(values.pop("exceptions_path")), *values["exceptions"]]
            return partial(_annotator, sparknlp.Tokenizer, values)
        for item in filter(self.isSet, settings):
            raise MinnerError(f"Tokenizer: {item.name} has no meaning for minner's own word rule")
        return partial(_annotator, WholeWordTokenizer, {})

    def column_metadata(self) -> dict[str, Any]:
        """The metadata of the output column, with the rule that its tokens were cut by."""
        return {**super().column_metadata(), WORD_RULE: self.getWordRule()}


_NO_SETTINGS = ("inputCols", "outputCol", "lazyAnnotator", WORD_RULE)


def _lines(path: str | None) -> list[str]:
    if path is None:
        return []
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MinnerError(
            f"Tokenizer: the exceptions of {path!r} cannot be read: {error}"
        ) from None


def _snake_case(name: str) -> str:
    return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name)


def _annotator(rule: type[sparknlp.Tokenizer], settings: dict[str, Any]) -> Annotate:
    return partial(annotate_each, rule(**settings))
