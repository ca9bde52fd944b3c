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
from minner.spark.params import HasOutput, accessors
from minner.spark.schema import ANNOTATIONS, TYPE, column, text_field


class DocumentAssembler(
    HasInputCol, HasOutput, Transformer, DefaultParamsReadable[Any], DefaultParamsWritable
):
    """Spark NLP's `DocumentAssembler`: each text becomes one document.

    A text that is null reads as empty. Bytes that are no UTF-8, which Spark carries along in a
    string, are read as U+FFFD, as Java does. The text itself is not cleaned up (Spark NLP's
    `cleanupMode` is `disabled` by default).
    """

    setInputCol, _ = accessors("inputCol")

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(outputCol="document")

    def _transform(self, dataset: DataFrame) -> DataFrame:
        if not self.isDefined(self.inputCol):
            raise MinnerError("DocumentAssembler: name the column of texts with setInputCol")
        found = text_field(dataset.schema, self.getInputCol(), "DocumentAssembler")
        name = self.getOutputCol()
        made = documents(column(found.name)).alias(name, metadata={TYPE: "document"})
        return dataset.withColumn(name, made)


def documents(text: Column) -> Column:
    """A column of documents, as `minner.sparknlp.document` gives them, made by Spark itself."""
    valid = F.make_valid_utf8(text)
    utf16_length = F.shiftright(F.octet_length(F.encode(valid, "UTF-16BE")), 1)
    document = F.struct(
        F.lit("document").alias("annotatorType"),
        F.lit(0).alias("begin"),
        F.coalesce(utf16_length - 1, F.lit(-1)).alias("end"),
        F.coalesce(valid, F.lit("")).alias("result"),
        F.create_map(F.lit("sentence"), F.lit("0")).alias("metadata"),
        F.array().cast(ArrayType(FloatType(), containsNull=False)).alias("embeddings"),
    )
    return F.array(document).cast(ANNOTATIONS)
