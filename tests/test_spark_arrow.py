"""Annotations to Arrow's columns and back."""

from __future__ import annotations

import pytest

from minner.entity import Entity
from minner.sparknlp import LightPipeline
from minner.tagger import Tagger

pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("pyspark", reason="PySpark is not installed")

import pyarrow as pa

from minner.spark.arrow import read_annotations, write_annotations, write_entities

TEXTS = ["John Smith in London.", "", "😀 São", "Acme-Corp and Mary", " "]


@pytest.mark.parametrize("column", ["document", "token", "ner", "entities"])
def test_annotations_there_and_back(tiny: Tagger, column: str) -> None:
    rows = [row[column] for row in LightPipeline(tiny).fullAnnotate(TEXTS)]
    array = write_annotations(rows)
    assert read_annotations(array) == rows
    for start in range(len(rows)):
        for size in range(len(rows) - start + 1):
            part = array.slice(start, size)
            assert read_annotations(part) == rows[start : start + size]
    assert not any(array.flatten().field("embeddings").to_pylist())


def test_no_rows(tiny: Tagger) -> None:
    assert read_annotations(write_annotations([])) == []
    assert read_annotations(write_annotations([[], []])) == [[], []]


def test_a_row_that_is_null_has_no_annotations(tiny: Tagger) -> None:
    rows = LightPipeline(tiny).fullAnnotate(TEXTS)
    array = write_annotations([row["token"] for row in rows])
    holed = pa.array([None, *array.to_pylist()[1:3], None, *array.to_pylist()[3:]], array.type)
    found = read_annotations(holed)
    assert found[0] == found[3] == []
    assert found[1:3] + found[4:] == [row["token"] for row in rows[1:]]
    assert read_annotations(holed.slice(2, 3)) == found[2:5]


def test_metadata_that_are_null_are_empty() -> None:
    array = write_annotations(
        [[{"annotatorType": "token", "begin": 0, "end": 1, "result": "My", "metadata": {"a": "b"}}]]
    )
    (values,) = array.to_pylist()
    holed = pa.array([[{**values[0], "metadata": None}, values[0]]], array.type)
    assert [item["metadata"] for item in read_annotations(holed)[0]] == [{}, {"a": "b"}]


def test_entities(tiny: Tagger) -> None:
    entity = Entity("São Paulo", "LOC", 3, 12, 0.5)
    array = write_entities([[entity], None, [], [entity, entity]])
    fields = {"text": "São Paulo", "label": "LOC", "start": 3, "end": 12, "score": 0.5}
    assert array.to_pylist() == [[fields], None, [], [fields, fields]]
