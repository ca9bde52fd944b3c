"""The stages of a fitted pipeline, to be run in this process by a `LightPipeline`."""

from __future__ import annotations

from typing import Any

from pyspark.ml import PipelineModel
from pyspark.sql.types import StructType

from minner.errors import MinnerError
from minner.spark.annotator import Annotator
from minner.spark.assembler import DocumentAssembler
from minner.spark.finisher import Finisher
from minner.spark.schema import ANNOTATIONS, TYPE, annotation_fields
from minner.sparknlp.pipeline import Plan, Stage


def read_pipeline(model: Any) -> Plan:
    """What a fitted pipeline does with a text.

    Stages find their columns as they do in a data frame: by the annotations that these hold. A
    Finisher chooses what is given back, as in Spark NLP, and changes nothing.

    Raises:
        MinnerError: it is not fitted, a stage is none of `minner.spark`, or one lacks a column.
    """
    if not isinstance(model, PipelineModel):
        raise MinnerError(
            f"a LightPipeline is built from pipeline.fit(data), not from a {type(model).__name__}"
        )
    first, *others = _flat(model)
    if not isinstance(first, DocumentAssembler):
        raise MinnerError("the first stage of a LightPipeline must be a DocumentAssembler")
    document = first.getOutputCol()
    schema = StructType().add(document, ANNOTATIONS, metadata={TYPE: "document"})
    stages = []
    kept = None
    for stage in others:
        name = type(stage).__name__
        if isinstance(stage, Finisher):
            kept = frozenset(stage.getInputCols())
        elif not isinstance(stage, Annotator):
            raise MinnerError(
                f"a LightPipeline cannot run {name}, which is no stage of minner.spark"
            )
        elif not stage.getLazyAnnotator():
            inputs = annotation_fields(schema, stage.getInputCols(), stage.input_types, name)
            output = stage.getOutputCol()
            stages.append(Stage(tuple(f.name for f in inputs), output, stage.local(inputs)))
            schema = schema.add(output, ANNOTATIONS, metadata=stage.column_metadata())
    return Plan(document, first.local, stages, kept)


def _flat(model: Any) -> list[Any]:
    """The stages, those of pipelines within the pipeline included."""
    return [
        inner
        for stage in model.stages
        for inner in (_flat(stage) if isinstance(stage, PipelineModel) else [stage])
    ]
