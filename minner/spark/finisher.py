"""From annotations to plain strings."""

from __future__ import annotations

from typing import Any

from pyspark.ml import Transformer
from pyspark.ml.param import TypeConverters
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from minner.errors import MinnerError
from minner.spark.params import HasInputs, Settable, accessors, param
from minner.spark.schema import ANNOTATIONS, annotation_fields, column


class Finisher(HasInputs, Settable, Transformer, DefaultParamsReadable[Any], DefaultParamsWritable):
    """Spark NLP's `Finisher`: the results of annotation columns, without the rest.

    The metadata of an annotation are written in the order in which they stand there; Spark NLP
    writes more than four in the order of a hash table.
    """

    outputCols = param(
        "outputCols", "finished_ and the input column where not set", TypeConverters.toListString
    )
    outputAsArray = param(
        "outputAsArray", "a list of strings, or else one string", TypeConverters.toBoolean
    )
    setOutputAsArray, getOutputAsArray = accessors("outputAsArray")
    cleanAnnotations = param(
        "cleanAnnotations", "whether to drop all annotation columns", TypeConverters.toBoolean
    )
    setCleanAnnotations, getCleanAnnotations = accessors("cleanAnnotations")
    includeMetadata = param(
        "includeMetadata",
        "a column beside a list, named with _metadata; in one string, key->value beside the result",
        TypeConverters.toBoolean,
    )
    setIncludeMetadata, getIncludeMetadata = accessors("includeMetadata")
    valueSplitSymbol = param(
        "valueSplitSymbol", "between metadata in one string", TypeConverters.toString
    )
    setValueSplitSymbol, getValueSplitSymbol = accessors("valueSplitSymbol")
    annotationSplitSymbol = param(
        "annotationSplitSymbol", "between annotations in one string", TypeConverters.toString
    )
    setAnnotationSplitSymbol, getAnnotationSplitSymbol = accessors("annotationSplitSymbol")

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(
            outputCols=None,
            outputAsArray=True,
            cleanAnnotations=True,
            includeMetadata=False,
            valueSplitSymbol="#",
            annotationSplitSymbol="@",
        )

    def setOutputCols(self, *names: Any) -> Finisher:
        """Set the output columns, one for each input column: a list of names, or the names."""
        chosen = list(names) if not names or isinstance(names[0], str) else list(names[0])
        owner: Finisher = self._set(outputCols=chosen)
        return owner

    def getOutputCols(self) -> list[str]:
        """The output columns."""
        chosen: list[str] | None = self.getOrDefault("outputCols")
        return chosen or [f"finished_{name}" for name in self.getInputCols()]

    def _transform(self, dataset: DataFrame) -> DataFrame:
        if not self.isDefined(self.inputCols):
            raise MinnerError("Finisher: name its input columns with setInputCols")
        inputs, outputs = self.getInputCols(), self.getOutputCols()
        if len(inputs) != len(outputs):
            raise MinnerError(
                f"Finisher: {len(inputs)} input columns need as many output columns, "
                f"not {len(outputs)}"
            )
        annotation_fields(dataset.schema, inputs, (), "Finisher")
        as_list = self.getOutputAsArray()
        for name, output in zip(inputs, outputs, strict=True):
            annotations = column(name)
            finish = _results if as_list else self._one_string
            dataset = dataset.withColumn(output, finish(annotations))
            if as_list and self.getIncludeMetadata():
                dataset = dataset.withColumn(f"{output}_metadata", _metadata(annotations))
        if not self.getCleanAnnotations():
            return dataset
        kind = ANNOTATIONS.simpleString()
        return dataset.drop(*(f.name for f in dataset.schema if f.dataType.simpleString() == kind))

    def _one_string(self, annotations: Column) -> Column:
        if not self.getIncludeMetadata():
            return F.array_join(_results(annotations), self.getAnnotationSplitSymbol())

        def written(annotation: Column) -> Column:
            pairs = F.transform(
                F.map_entries(annotation["metadata"]),
                lambda pair: F.concat(pair["key"], F.lit("->"), pair["value"]),
            )
            result = F.array(F.concat(F.lit("result->"), annotation["result"]))
            return F.array_join(F.concat(pairs, result), self.getValueSplitSymbol())

        return F.array_join(F.transform(annotations, written), self.getAnnotationSplitSymbol())


def _results(annotations: Column) -> Column:
    return F.transform(annotations, lambda annotation: annotation["result"])


def _metadata(annotations: Column) -> Column:
    """Key and value of all metadata, in pairs."""
    entries = F.flatten(F.transform(annotations, lambda item: F.map_entries(item["metadata"])))
    return F.transform(
        entries, lambda pair: F.struct(pair["key"].alias("_1"), pair["value"].alias("_2"))
    )
