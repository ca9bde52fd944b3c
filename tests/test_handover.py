"""What Python hands to native code is checked where it is handed over."""

from __future__ import annotations

import numpy as np
import pytest

from minner.errors import MinnerError
from minner.tagger import Tagger


@pytest.mark.parametrize(
    "bad", [-1, 2**31 - 1, 2**31, 2**32, 2**32 + 5, 2**63 - 1, np.uint64(2**64 - 1), 2**70]
)
def test_no_id_leaves_the_vocabulary(tiny: Tagger, bad: int) -> None:
    for ids in ([2, bad, 3], np.array([2, bad, 3], dtype=object if bad > 2**63 else None)):
        with pytest.raises(MinnerError, match=r"ids must be from 0 to|one row of whole numbers"):
            tiny.logits([ids])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int64, np.uint64])
def test_ids_of_any_width(tiny: Tagger, dtype: type) -> None:
    ids = np.array([2, 7, 3])
    np.testing.assert_array_equal(tiny.logits([ids.astype(dtype)])[0], tiny.logits([ids])[0])


@pytest.mark.parametrize(
    ("ids", "rows", "message"),
    [
        ([2, -1, 3], [0], "ids must be from 0 to"),
        ([2, 10**6, 3], [0], "ids must be from 0 to"),
        ([2, 5, 3], [-1], "rows must be ascending numbers from 0 to 2"),
        ([2, 5, 3], [3], "rows must be ascending numbers from 0 to 2"),
        ([2, 5, 3], [0, 10**6], "rows must be ascending numbers from 0 to 2"),
        ([2, 5, 3], [1, 0], "rows must be ascending numbers from 0 to 2"),
        ([2, 5, 3], [1, 1], "rows must be ascending numbers from 0 to 2"),
        ([2] * 33, [0], "the model has 32 positions, not 33"),
    ],
)
def test_the_engine_refuses_what_native_code_would_follow(
    tiny: Tagger, ids: list[int], rows: list[int], message: str
) -> None:
    engine = tiny._reader.engine
    arguments = [np.array(ids, dtype=np.int32)], [np.array(rows, dtype=np.intp)]
    with pytest.raises(MinnerError, match=message):
        engine.logits(*arguments)
    assert len(engine.logits([np.int32([2, 5, 3])], [np.array([1])])[0]) == 1  # it still works


def test_a_row_of_one_sequence_is_no_row_of_the_next(tiny: Tagger) -> None:
    ids = np.int32([2, 5, 3])
    for rows in ([[3], [0]], [[0], [-1]]):
        with pytest.raises(MinnerError, match="rows must be ascending numbers from 0 to 2"):
            tiny._reader.engine.logits([ids, ids], [np.array(places) for places in rows])


def test_the_engine_narrows_no_numbers(tiny: Tagger) -> None:
    with pytest.raises(TypeError, match="safe"):
        tiny._reader.engine.logits([np.array([2, 2**32 + 5, 3])])


def test_all_rows_are_wanted_where_none_are_named(tiny: Tagger) -> None:
    """In one native call, and in several."""
    engine = tiny._reader.engine
    for count in (1, 3, 60):
        sequences = [np.arange(2, 2 + 1 + i % 30, dtype=np.int32) for i in range(count)]
        named = engine.logits(sequences, [np.arange(len(ids)) for ids in sequences])
        for ids, one, other in zip(sequences, engine.logits(sequences), named, strict=True):
            assert one.shape == (len(ids), len(tiny.labels))
            np.testing.assert_array_equal(one, other)
    assert engine.logits([]) == engine.logits([], []) == []
