"""What the stages that read and write annotations have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from pyspark.ml import Transformer
from pyspark.ml.param import TypeConverters
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import DataFrame
from pyspark.sql.types import StructField

from minner.errors import MinnerError
from minner.spark.arrow import Rows, read_annotations, write_annotations
from minner.spark.params import HasInputs, HasOutput, accessors, param
from minner.spark.schema import ANNOTATIONS, TYPE, annotation_fields, column
from minner.spark.worker import Function, arrow_column
from minner.streams import TEXTS_PER_BATCH

Annotate = Callable[..., Rows]
"""From the annotations of some rows, a list for each input column, to those of the output."""


class Annotator(
    HasInputs, HasOutput, Transformer, DefaultParamsReadable[Any], DefaultParamsWritable
):
    """A stage that adds one column of annotations, made in Spark's Python workers.

    Settings are checked on the driver when `transform` is called: the stage is built there as the
    workers will build it.
    """

    output_type: ClassVar[str]
    """The annotations that it writes."""

    lazyAnnotator = param(
        "lazyAnnotator",
        "whether a LightPipeline leaves this stage out, as Spark NLP's does",
        TypeConverters.toBoolean,
    )
    setLazyAnnotator, _ = accessors("lazyAnnotator")

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(lazyAnnotator=False)

    def getLazyAnnotator(self) -> bool:
        """Whether a LightPipeline leaves this stage out."""
        return bool(self.getOrDefault("lazyAnnotator"))

    def local(self, inputs: list[StructField]) -> Annotate:
        """The stage's function, for this process."""
        return self._builder(inputs)()

    def _transform(self, dataset: DataFrame) -> DataFrame:
        stage = type(self).__name__
        if not self.isDefined(self.inputCols):
            raise MinnerError(f"{stage}: name its input columns with setInputCols")
        inputs = annotation_fields(dataset.schema, self.getInputCols(), self.input_types, stage)
        build = self._builder(inputs)
        build()
        annotate = arrow_column(stage, lambda: _over_arrow(build()), self._rows(), ANNOTATIONS)
        made = annotate(*(column(item.name) for item in inputs))
        name = self.getOutputCol()
        return dataset.withColumn(name, made.alias(name, metadata=self.column_metadata()))

    def _builder(self, inputs: list[StructField]) -> Callable[[], Annotate]:
        """What makes the stage's function, in a worker or on the driver; errors are MinnerError."""
        raise NotImplementedError

    def column_metadata(self) -> dict[str, Any]:
        """The metadata of the output column."""
        return {TYPE: self.output_type}

    def _rows(self) -> int:
        """How many rows are annotated at once."""
        return TEXTS_PER_BATCH


def _over_arrow(annotate: Annotate) -> Function:
    return lambda *columns: write_annotations(annotate(*map(read_annotations, columns)))
