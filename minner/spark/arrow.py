"""Between Arrow's columns and lists of annotations, a field at a time.

`pyarrow.array` and `to_pylist` look at one Python object after the other, and take several times
as long for these nested lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from itertools import accumulate, chain, pairwise
from typing import Any

import pyarrow as pa

from minner.entity import Entity
from minner.sparknlp import Annotation

Rows = Sequence[Sequence[Annotation]]
"""The annotations of each row."""


def read_annotations(column: pa.ListArray) -> list[list[Annotation]]:
    """The annotations of each row of a column; a row that is null has none."""
    items = column.flatten()  # of the rows of this slice that are not null
    flat = [
        Annotation(annotatorType=kind, begin=begin, end=end, result=result, metadata=metadata)
        for kind, begin, end, result, metadata in zip(
            _objects(items.field("annotatorType")),
            _objects(items.field("begin")),
            _objects(items.field("end")),
            _objects(items.field("result")),
            _read_maps(items.field("metadata")),
            strict=True,
        )
    ]
    lengths = column.value_lengths().fill_null(0).to_pylist()
    bounds = accumulate(lengths, initial=0)
    return [flat[first:last] for first, last in pairwise(bounds)]


def _read_maps(maps: pa.MapArray) -> Iterator[dict[str, str]]:
    bounds = maps.offsets.to_pylist()
    # The children are those of the whole batch, of which this may be a small slice.
    begin, size = bounds[0], bounds[-1] - bounds[0]
    keys = _objects(maps.keys.slice(begin, size))
    values = _objects(maps.items.slice(begin, size))
    for first, last in pairwise(bounds):
        part = slice(first - begin, last - begin)
        yield dict(zip(keys[part], values[part], strict=True))


def write_annotations(rows: Rows) -> pa.ListArray:
    """The column that holds these annotations."""
    flat = list(chain.from_iterable(rows))
    metadata = [item["metadata"] for item in flat]
    maps = pa.MapArray.from_arrays(
        _bounds(metadata),
        pa.array(list(chain.from_iterable(metadata)), pa.string()),
        pa.array([value for item in metadata for value in item.values()], pa.string()),
    )
    no_embeddings = pa.ListArray.from_arrays(_bounds([()] * len(flat)), pa.array([], pa.float32()))
    return _lists(
        rows,
        annotatorType=pa.array([item["annotatorType"] for item in flat], pa.string()),
        begin=pa.array([item["begin"] for item in flat], pa.int32()),
        end=pa.array([item["end"] for item in flat], pa.int32()),
        result=pa.array([item["result"] for item in flat], pa.string()),
        metadata=maps,
        embeddings=no_embeddings,
    )


def write_entities(rows: Sequence[Sequence[Entity] | None]) -> pa.ListArray:
    """The column that holds these entities; None is null."""
    flat = [entity for row in rows if row for entity in row]
    return _lists(
        rows,
        text=pa.array([entity.text for entity in flat], pa.string()),
        label=pa.array([entity.label for entity in flat], pa.string()),
        start=pa.array([entity.start for entity in flat], pa.int32()),
        end=pa.array([entity.end for entity in flat], pa.int32()),
        score=pa.array([entity.score for entity in flat], pa.float64()),
    )


def _lists(rows: Sequence[Sequence[object] | None], **fields: pa.Array) -> pa.ListArray:
    """A list for each row of the structures that these fields make up, null where it is None."""
    items = pa.StructArray.from_arrays(list(fields.values()), names=list(fields))
    is_null = pa.array([row is None for row in rows], pa.bool_())
    return pa.ListArray.from_arrays(_bounds([row or () for row in rows]), items, mask=is_null)


def _bounds(rows: Sequence[Sized]) -> pa.Array:
    """Where each list begins in the flat one, and where the last ends."""
    return pa.array(accumulate(map(len, rows), initial=0), pa.int32())


def _objects(array: pa.Array) -> list[Any]:
    found: list[Any] = array.to_numpy(zero_copy_only=False).tolist()
    return found
