"""Parameters as Spark NLP has them, each with its setter and getter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasInputCols, HasOutputCol

from minner.errors import MinnerError

Owner = TypeVar("Owner", bound=Params)

WORD_RULES = ("sparknlp", "minner")

WORD_RULE = "wordRule"
"""The parameter, and what a tokenizer says of its tokens in the metadata of their column."""


def param(name: str, doc: str, convert: Callable[[Any], Any]) -> Param[Any]:
    """A parameter, to be named as `name` in the body of a class."""
    return Param(Params._dummy(), name, doc, typeConverter=convert)


def accessors(name: str) -> tuple[Callable[[Owner, Any], Owner], Callable[[Owner], Any]]:
    """The setter and the getter of a parameter; the setter gives the stage, so that calls chain."""

    def set_value(self: Owner, value: Any) -> Owner:
        owner: Owner = self._set(**{name: value})
        return owner

    def get_value(self: Owner) -> Any:
        return self.getOrDefault(name)

    set_value.__doc__ = f"Set `{name}`; `explainParam({name!r})` says what it is."
    get_value.__doc__ = f"The value of `{name}`."
    return set_value, get_value


def at_least_one(value: Any) -> int:
    """Convert to a whole number of at least 1."""
    number: int = TypeConverters.toInt(value)
    if number < 1:
        raise MinnerError(f"a number of at least 1 is needed, not {value!r}")
    return number


def word_rule(value: Any) -> str:
    """Convert to one of WORD_RULES."""
    if value not in WORD_RULES:
        raise MinnerError(
            f"the word rule {value!r} is not available; choose from: {', '.join(WORD_RULES)}"
        )
    return str(value)


class HasOutput(HasOutputCol):
    """A stage that writes one column."""

    setOutputCol, _ = accessors("outputCol")


class HasInputs(HasInputCols):
    """A stage that reads several columns of annotations."""

    def setInputCols(self: Owner, *names: Any) -> Owner:
        """Set the input columns, in any order: a list of names, or the names."""
        first = names[0] if names else []
        owner: Owner = self._set(inputCols=list(names) if isinstance(first, str) else first)
        return owner
