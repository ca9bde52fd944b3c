"""A column of entities, without a pipeline."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.functions import make_valid_utf8
from pyspark.sql.types import (
    ArrayType,
    DoubleType,
    IntegerType,
    StringType,
    StructField,
    StructType,
)

from minner.spark.arrow import write_entities
from minner.spark.schema import column, text_field
from minner.spark.worker import Function, arrow_column, task_tagger
from minner.streams import TEXTS_PER_BATCH

ENTITIES = ArrayType(
    StructType(
        [
            StructField("text", StringType()),
            StructField("label", StringType()),
            StructField("start", IntegerType(), nullable=False),
            StructField("end", IntegerType(), nullable=False),
            StructField("score", DoubleType(), nullable=False),
        ]
    )
)
"""The type of the column: the fields are those of `minner.Entity`."""


def entities(
    df: DataFrame,
    text: str,
    output: str = "entities",
    *,
    model: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    **options: Any,
) -> DataFrame:
    """Add a column of entities, those that `minner.load(...)(text)` finds in each row's text.

    So words are cut and read by minner's own rule, and offsets count code points, as Spark's
    `substring` does. A text that is null gets null, an empty one an empty list. Bytes that are no
    UTF-8 are read as U+FFFD.

    Args:
        df: any data frame.
        text: the column of texts.
        output: the name of the new column.
        model: as in `minner.load`; a directory must be there on all machines.
        threads: of each Python worker; the cores that Spark gives a task where it is None.
        options: how texts are read, as for `Tagger.with_options`: `decoder`, `labels`, ...

    Raises:
        MinnerError: there is no such column, it holds no strings, the model cannot be loaded, or
            an option has no such value.
    """
    found = text_field(df.schema, text, "entities")
    prepare: Callable[[], Function] = partial(_finder, model, threads, options)
    prepare()
    find = arrow_column("entities", prepare, TEXTS_PER_BATCH, ENTITIES)
    return df.withColumn(output, find(make_valid_utf8(column(found.name))))


def _finder(
    model: str | os.PathLike[str] | None, threads: int | None, options: dict[str, Any]
) -> Function:
    tagger = task_tagger(model, threads).with_options(**options)

    def find(texts: pa.Array) -> pa.Array:
        found = tagger.pipe(texts.drop_null().to_pylist())
        return write_entities(
            [next(found) if valid else None for valid in texts.is_valid().to_pylist()]
        )

    return find
