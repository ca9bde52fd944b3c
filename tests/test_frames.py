"""Columns of pandas and Polars."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from minner import MinnerError
from minner.frames import entities
from minner.tagger import Tagger

TEXTS = ["John Smith works in London.", None, "", "and Mary", "John"]


def expected(ner: Tagger) -> list[Any]:
    return [None if text is None else [asdict(e) for e in ner(text)] for text in TEXTS]


def test_pandas_keeps_the_index(tiny: Tagger) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    index = [7, 7, "x", None, 2]
    for texts in (TEXTS, [float("nan") if text is None else text for text in TEXTS]):
        column = pandas.Series(texts, index=index, name="text", dtype=object)
        found = entities(column, tiny, batch_size=2)
        assert found.index.equals(column.index)
        assert found.tolist() == expected(tiny)
        assert found.name == "entities"
    strings = pandas.Series(TEXTS, dtype="string")
    assert entities(strings, tiny, name="names").tolist() == expected(tiny)
    assert entities(pandas.Series([], dtype=object), tiny).tolist() == []


def test_polars_has_a_type(tiny: Tagger) -> None:
    polars = pytest.importorskip("polars", reason="Polars is not installed")
    found = entities(polars.Series("text", TEXTS), tiny)
    assert found.to_list() == expected(tiny)
    assert found.name == "entities"
    assert [field.name for field in found.dtype.inner.fields] == [
        "text", "label", "start", "end", "score",
    ]  # fmt: skip
    nothing = entities(polars.Series("text", [None, ""], dtype=polars.String), tiny)
    assert (nothing.to_list(), nothing.dtype) == ([None, []], found.dtype)


def test_options_and_models(tiny: Tagger, tiny_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    column = pandas.Series(TEXTS)
    assert entities(column, tiny_path).tolist() == expected(tiny)
    chosen = tiny.with_options(labels=["PER"], offsets="utf8")
    assert entities(column, tiny, labels=["PER"], offsets="utf8").tolist() == expected(chosen)
    with pytest.raises(MinnerError, match="min_score"):
        entities(column, tiny, min_score=2)


def test_what_is_no_column_of_texts(tiny: Tagger) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame({"text": TEXTS})
    for wrong, name in [(frame, "DataFrame"), (TEXTS, "list"), ("John", "str")]:
        with pytest.raises(MinnerError, match=re.escape(f"such as df['text'], not {name};")):
            entities(wrong, tiny)
    with pytest.raises(MinnerError, match="int"):
        entities(pandas.Series([1, 2]), tiny)


def test_a_line_on_a_terminal(
    tiny: Tagger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    monkeypatch.setattr("minner.progress.INTERVAL", 0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    entities(pandas.Series(TEXTS), tiny)
    assert "3/4 texts" in capsys.readouterr().err
