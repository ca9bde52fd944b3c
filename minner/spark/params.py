"""Parameters as Spark NLP has them, each with its setter and getter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasInputCols, HasOutputCol

from minner.errors import MinnerError
from minner.sparknlp.classifier import LONGEST

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


def sentence_length(value: Any) -> int:
    """Convert to a length that Spark NLP takes for a sentence, when it is set."""
    number: int = TypeConverters.toInt(value)
    if not 1 <= number <= LONGEST:
        raise MinnerError(f"maxSentenceLength must be from 1 to {LONGEST}, not {value!r}")
    return number


def not_negative(value: Any) -> int:
    """Convert to a whole number of at least 0."""
    number: int = TypeConverters.toInt(value)
    if number < 0:
        raise MinnerError(f"a number of at least 0 is needed, not {value!r}")
    return number


def word_rule(value: Any) -> str:
    """Convert to one of WORD_RULES."""
    if value not in WORD_RULES:
        raise MinnerError(
            f"the word rule {value!r} is not available; choose from: {', '.join(WORD_RULES)}"
        )
    return str(value)


class Settable(Params):
    """A stage whose parameters may be set by their names, all at once."""

    def setParams(self: Owner, **values: Any) -> Owner:
        """Set parameters, such as `setParams(inputCol="text", outputCol="document")`."""
        for name in values:
            if not self.hasParam(name):
                known = ", ".join(item.name for item in self.params)
                raise MinnerError(f"{type(self).__name__} has no {name!r}; choose from: {known}")
        owner: Owner = self._set(**values)
        return owner


class HasOutput(Settable, HasOutputCol):
    """A stage that writes one column."""

    setOutputCol, _ = accessors("outputCol")


class HasInputs(HasInputCols):
    """A stage that reads several columns of annotations."""

    input_types: ClassVar[tuple[str, ...]] = ()
    """The annotations that it reads; columns of any number where it is empty."""

    def setInputCols(self: Owner, *names: Any) -> Owner:
        """Set the input columns, in any order: a list of names, or the names.

        Raises:
            MinnerError: their number is not that of the types the stage reads.
        """
        chosen = list(names) if not names or isinstance(names[0], str) else list(names[0])
        types = type(self).input_types  # type: ignore[attr-defined]
        if types and len(chosen) != len(types):
            raise MinnerError(
                f"{type(self).__name__}.setInputCols needs a column for each of "
                f"{', '.join(types)}, but was given {len(chosen)}: {', '.join(map(str, chosen))}"
            )
        owner: Owner = self._set(inputCols=chosen)
        return owner
