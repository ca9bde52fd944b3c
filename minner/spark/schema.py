"""The columns that stages read and write: Spark NLP's annotations, and how Spark tells them apart.

Every row holds a list of annotations. What they are (documents, tokens, ...) stands in the metadata
of the column, as `annotatorType`, which Spark keeps in a data frame and in a Parquet file.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql.functions import col
from pyspark.sql.types import (
    ArrayType,
    FloatType,
    IntegerType,
    MapType,
    StringType,
    StructField,
    StructType,
)

from minner.errors import MinnerError

ANNOTATIONS = ArrayType(
    StructType(
        [
            StructField("annotatorType", StringType()),
            StructField("begin", IntegerType(), nullable=False),
            StructField("end", IntegerType(), nullable=False),
            StructField("result", StringType()),
            StructField("metadata", MapType(StringType(), StringType())),
            StructField("embeddings", ArrayType(FloatType(), containsNull=False)),
        ]
    )
)
"""The type of an annotation column."""

TYPE = "annotatorType"
"""What says in the metadata of a column which annotations it holds."""


def field(schema: StructType, name: str, stage: str) -> StructField:
    """The column of that name.

    Args:
        schema: of the data frame.
        name: of the column.
        stage: the name of the stage that asks, for the message.

    Raises:
        MinnerError: there is none.
    """
    if name not in schema.names:
        raise MinnerError(
            f"{stage}: there is no column {name!r} in the data frame, which has: "
            f"{', '.join(schema.names)}"
        )
    return schema[name]


def text_field(schema: StructType, name: str, stage: str) -> StructField:
    """The column of that name, which must hold strings; arguments and errors as in `field`."""
    found = field(schema, name, stage)
    if not isinstance(found.dataType, StringType):
        raise MinnerError(
            f"{stage}: the column {name!r} must hold strings, not {found.dataType.simpleString()}"
        )
    return found


def annotation_fields(
    schema: StructType, names: Sequence[str], wanted: Sequence[str], stage: str
) -> list[StructField]:
    """The annotation columns that a stage needs, in its own order, whatever the order of names.

    Args:
        schema: of the data frame.
        names: of the input columns.
        wanted: the annotator types that the stage needs.
        stage: its name, for the message.

    Raises:
        MinnerError: a column is missing, holds something else than annotations, or none holds the
            wanted type.
    """
    found: dict[str | None, StructField] = {}
    for name in names:
        column = field(schema, name, stage)
        if column.dataType.simpleString() != ANNOTATIONS.simpleString():
            raise MinnerError(
                f"{stage}: the column {name!r} holds no annotations but "
                f"{column.dataType.simpleString()}; stages read what other stages have written"
            )
        found.setdefault(column.metadata.get(TYPE), column)
    missing = [kind for kind in wanted if kind not in found]
    if missing:
        listed = ", ".join(f"{column.name} ({kind})" for kind, column in found.items()) or "none"
        raise MinnerError(
            f"{stage}: no input column holds annotations of the type {missing[0]}; "
            f"setInputCols has named: {listed}"
        )
    return [found[kind] for kind in wanted]


def column(name: str) -> Column:
    """A column by its exact name, dots and backticks included."""
    return col("`" + name.replace("`", "``") + "`")
