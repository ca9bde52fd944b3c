"""From tagged tokens to chunks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pyspark.ml.param import TypeConverters
from pyspark.sql.types import StructField

from minner import sparknlp
from minner.spark.annotator import Annotate, Annotator
from minner.spark.params import accessors, param
from minner.sparknlp.pipeline import annotate_each


class NerConverter(Annotator):
    """Spark NLP's `NerConverter`, on tags of any classifier."""

    input_types = ("document", "token", "named_entity")
    output_type = "chunk"

    whiteList = param(
        "whiteList",
        "types to keep, without B- or I-; all where it is not set",
        TypeConverters.toListString,
    )
    setWhiteList, getWhiteList = accessors("whiteList")
    preservePosition = param(
        "preservePosition",
        "whether a chunk's text is what the document has from its first to its last token, or else "
        "the first token alone",
        TypeConverters.toBoolean,
    )
    setPreservePosition, getPreservePosition = accessors("preservePosition")
    nerHasNoSchema = param(
        "nerHasNoSchema", "whether tags are bare types, without B- or I-", TypeConverters.toBoolean
    )
    setNerHasNoSchema, getNerHasNoSchema = accessors("nerHasNoSchema")

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(whiteList=None, preservePosition=True, nerHasNoSchema=False)

    def _builder(self, inputs: list[StructField]) -> Callable[[], Annotate]:
        settings = {
            "white_list": self.getWhiteList(),
            "preserve_position": self.getPreservePosition(),
            "ner_has_no_schema": self.getNerHasNoSchema(),
        }
        return partial(_annotator, settings)


def _annotator(settings: dict[str, Any]) -> Annotate:
    return partial(annotate_each, sparknlp.NerConverter(**settings))
