"""Streams: how far ahead they are read, which must not show in results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Any

import pytest

from minner import MinnerError, streams
from minner.compat import pipeline
from minner.streams import TEXTS_PER_BATCH, batches
from minner.tagger import Tagger

TEXTS = ["John Smith", "", "My name is John Smith and in London", "Paris is", "works for Acme"]


class Clock:
    """A clock that stands still but for what is told to take time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(streams, "perf_counter", lambda: self.now)

    def source(self, delay: Callable[[int], float]) -> Iterator[int]:
        """The numbers from 0, each after a delay."""
        for number in count():
            self.now += delay(number)
            yield number

    def sizes(self, source: Iterator[int], work: float, wanted: int) -> list[int]:
        """The sizes of the first batches of a source, where each item takes `work` to run."""
        found = []
        for batch in islice(batches(source), wanted):
            found.append(len(batch))
            self.now += work * len(batch)
        return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_source_that_keeps_up_gets_large_batches(clock: Clock) -> None:
    sizes = clock.sizes(clock.source(lambda _: 0.001), work=0.002, wanted=10)
    assert sizes == [1, 2, 4, 8, 16, 32, 64, 128, 128, 128]
    assert TEXTS_PER_BATCH == 128


def test_a_slow_source_gets_each_result_before_its_next_item(clock: Clock) -> None:
    assert clock.sizes(clock.source(lambda _: 1.0), work=0.002, wanted=5) == [1, 1, 1, 1, 1]


def test_a_source_that_becomes_slow(clock: Clock) -> None:
    sizes = clock.sizes(clock.source(lambda number: float(number == 20)), work=0.1, wanted=8)
    assert sizes == [1, 2, 4, 8, 16, 32, 64, 128]  # of 1.6 s of work, a second is no delay
    sizes = clock.sizes(clock.source(lambda number: 9.0 * (number == 20)), work=0.1, wanted=8)
    assert sizes == [1, 2, 4, 8, 16, 1, 2, 4]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_batches_of_a_size(size: int) -> None:
    source = iter(range(10))
    found = []
    for batch in batches(source, size):
        found += batch
        assert source.__length_hint__() == max(0, 10 - len(found))
        assert len(batch) == size or len(found) == 10
    assert found == [*range(10)]


@pytest.mark.parametrize("size", [None, 1])
def test_nothing_gives_no_batch(size: int | None) -> None:
    assert list(batches(iter([]), size)) == []


Streaming = Callable[[Tagger, Iterable[str], int | None], Iterator[Any]]
WAYS: dict[str, Streaming] = {
    "pipe": lambda ner, texts, size: ner.pipe(texts, batch_size=size),
    "pipe with options": lambda ner, texts, size: ner.with_options(min_score=0.1).pipe(
        texts, batch_size=size
    ),
    "documents": lambda ner, texts, size: (
        document.probabilities.tolist() for document in ner.documents(texts, batch_size=size)
    ),
    "pipe_tags": lambda ner, texts, size: ner.pipe_tags(
        (text.split() for text in texts), batch_size=size
    ),
    "compat, at the call": lambda ner, texts, size: pipeline("ner", ner, ignore_labels=[])(
        iter(texts), batch_size=size
    ),
    "compat, at the start": lambda ner, texts, size: pipeline(
        "ner", ner, ignore_labels=[], batch_size=size
    )(iter(texts)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_batch_bounds_what_is_read_ahead(tiny: Tagger, way: str) -> None:
    expected = list(WAYS[way](tiny, TEXTS * 20, None))
    for size in (1, 2, 7):
        source = iter(TEXTS * 20)
        stream = WAYS[way](tiny, source, size)
        assert next(stream) == expected[0]
        assert len([*source]) == len(TEXTS) * 20 - size
        assert list(WAYS[way](tiny, TEXTS * 20, size)) == expected


@pytest.mark.parametrize("way", WAYS)
def test_the_first_result_needs_one_text_only(tiny: Tagger, way: str) -> None:
    def source() -> Iterator[str]:
        yield TEXTS[0]
        raise AssertionError("a second text was asked for")

    next(WAYS[way](tiny, source(), None))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [0, -1, 1.5, "8"])
def test_bad_batch_sizes(tiny: Tagger, way: str, size: Any) -> None:
    with pytest.raises(MinnerError, match="batch_size must be a whole number of at least 1, not"):
        next(WAYS[way](tiny, TEXTS, size))
