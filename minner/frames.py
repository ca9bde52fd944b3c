"""A column of texts in, a column of entities out, for pandas and Polars.

Example::

    from minner.frames import entities

    df["entities"] = entities(df["text"])

Neither library is imported before a column of it is given.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any, TypeVar

import minner
from minner.entity import record_of
from minner.errors import MinnerError
from minner.progress import progress
from minner.tagger import Tagger

Column = TypeVar("Column")
Found = list[dict[str, Any]]
"""The entities of a text, as dictionaries: text, label, start, end and score."""


def entities(
    column: Column,
    model: Tagger | str | os.PathLike[str] | None = None,
    *,
    name: str = "entities",
    batch_size: int | None = None,
    **options: Any,
) -> Column:
    """The entities of each text of a pandas or Polars column.

    The texts stream through the model in batches. On a terminal, a line says how far it is.

    Args:
        column: a `pandas.Series` or a `polars.Series` of strings.
        model: from `minner.load`, or what that takes; the embedded one where it is None.
        name: of the new column.
        batch_size: as in `Tagger.pipe`.
        options: how texts are read, as for `Tagger.with_options`: `labels`, `min_score`, ...

    Returns:
        A column of the same library and length, for each text a list of dictionaries with the
        fields of `minner.Entity`; None where the text is missing. pandas: of objects, with the
        index of `column`. Polars: of the type `List(Struct)`.

    Raises:
        MinnerError: it is no such column, holds something else than strings, the model cannot be
            loaded, or an option has no such value.
    """
    library = type(column).__module__.partition(".")[0]
    if library not in _LIBRARIES or type(column).__name__ != "Series":
        raise MinnerError(
            f"entities takes one column of pandas or Polars, such as df['text'], not "
            f"{type(column).__name__}; for other texts there is minner.load().pipe"
        )
    tagger = model if isinstance(model, Tagger) else minner.load(model)
    found: Column = _LIBRARIES[library](column, tagger.with_options(**options), name, batch_size)
    return found


def _pandas(column: Any, ner: Tagger, name: str, batch_size: int | None) -> Any:
    pandas = import_module("pandas")
    there = column.notna().tolist()
    texts = column.tolist()
    found = list(_rows(texts, there, ner, batch_size))
    return pandas.Series(found, index=column.index, name=name, dtype=object)


def _polars(column: Any, ner: Tagger, name: str, batch_size: int | None) -> Any:
    polars = import_module("polars")
    entity = polars.Struct(
        {
            "text": polars.String,
            "label": polars.String,
            "start": polars.Int64,
            "end": polars.Int64,
            "score": polars.Float64,
        }
    )
    texts = column.to_list()
    found = list(_rows(texts, [text is not None for text in texts], ner, batch_size))
    return polars.Series(name, found, dtype=polars.List(entity))


_LIBRARIES = {"pandas": _pandas, "polars": _polars}


def _rows(
    texts: list[Any], there: list[bool], ner: Tagger, batch_size: int | None
) -> Iterator[Found | None]:
    """What becomes of each text; missing ones never reach the model."""
    present = [text for text, is_there in zip(texts, there, strict=True) if is_there]
    found = progress(ner.pipe(present, batch_size=batch_size), "texts", len(present))
    for is_there in there:
        yield [*map(record_of, next(found))] if is_there else None
