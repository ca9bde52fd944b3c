"""From a column of texts to a column of documents."""

from __future__ import annotations

from typing import Any

from pyspark.ml import Transformer
from pyspark.ml.param.shared import HasInputCol
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, FloatType

from minner.errors import MinnerError
from minner.spark.params import HasOutput, accessors, param
from minner.spark.schema import ANNOTATIONS, TYPE, column, text_field
from minner.sparknlp import Annotation, document
from minner.sparknlp.cleanup import CLEANUP_MODES, clean_up, cleanup_mode


class DocumentAssembler(
    HasInputCol, HasOutput, Transformer, DefaultParamsReadable[Any], DefaultParamsWritable
):
    """Spark NLP's `DocumentAssembler`: each text becomes one document.

    A text that is null reads as empty. Bytes that are no UTF-8, which Spark carries along in a
    string, are read as U+FFFD, as Java does.
    """

    setInputCol, _ = accessors("inputCol")
    cleanupMode = param(
        "cleanupMode",
        f"how a text is cleaned up: {', '.join(CLEANUP_MODES)}",
        cleanup_mode,
    )
    setCleanupMode, getCleanupMode = accessors("cleanupMode")

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(outputCol="document", cleanupMode="disabled")

    def local(self, text: str | None) -> Annotation:
        """The document of a text, as a LightPipeline has it."""
        return document(clean_up(text or "", self.getCleanupMode()))

    def _transform(self, dataset: DataFrame) -> DataFrame:
        if not self.isDefined(self.inputCol):
            raise MinnerError("DocumentAssembler: name the column of texts with setInputCol")
        found = text_field(dataset.schema, self.getInputCol(), "DocumentAssembler")
        name = self.getOutputCol()
        text = make_valid_text(column(found.name), self.getCleanupMode())
        made = documents(text).alias(name, metadata={TYPE: "document"})
        return dataset.withColumn(name, made)


def make_valid_text(text: Column, mode: str) -> Column:
    """A column of valid strings, cleaned up."""
    text = F.make_valid_utf8(text)
    for pattern, replacement in CLEANUP_MODES[mode]:
        text = F.regexp_replace(text, pattern, replacement)
    return text


def documents(valid: Column) -> Column:
    """A column of documents, as `minner.sparknlp.document` gives them, made by Spark itself."""
    utf16_length = F.shiftright(F.octet_length(F.encode(valid, "UTF-16BE")), 1)
    made = F.struct(
        F.lit("document").alias("annotatorType"),
        F.lit(0).alias("begin"),
        F.coalesce(utf16_length - 1, F.lit(-1)).alias("end"),
        F.coalesce(valid, F.lit("")).alias("result"),
        F.create_map(F.lit("sentence"), F.lit("0")).alias("metadata"),
        F.array().cast(ArrayType(FloatType(), containsNull=False)).alias("embeddings"),
    )
    return F.array(made).cast(ANNOTATIONS)
