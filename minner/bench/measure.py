"""The measurements behind `minner bench`: rounds in which everything has its turn.

A shared machine is faster in one minute than in the next. So every round measures each shape on
each number of threads in a short burst, in an order that rotates, and right after the burst what
the machine itself can do; ratios are taken within a round.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minner.bench.passage import text_of
from minner.bench.probes import Arithmetic, Memory
from minner.bench.shapes import BatchShape
from minner.bench.timing import burst
from minner.bench.work import weight_bytes

if TYPE_CHECKING:
    from minner.tagger import Tagger

BURST = 0.1
"""Seconds of calls in a burst; one call at least."""

READ = 200_000_000
"""Bytes of one read, at least: beside it, waking the threads that read takes no time."""


@dataclass
class Series:
    """One shape on some threads; every list has an entry for each round.

    Attributes:
        calls: seconds of every call of the burst.
        peak: floating-point operations a second, of multiply-adds in registers.
        read: bytes a second, of reading as many bytes as the model's matrices have, again and
            again.
    """

    calls: list[list[float]] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)


class Bench:
    """A model on one or more thread counts, and what has been measured of it.

    Attributes:
        config: the model's sizes.
        precision: of its products.
        peak_of: the instructions that the peak is measured with.
        threads: the thread counts, least first.
        rounds: complete rounds so far.
        series: random ids to logits, by shape and threads.
        stages: text to entities on the most threads, by shape: for each call, the seconds of
            every stage.
    """

    def __init__(
        self,
        taggers: Mapping[int, Tagger],
        shapes: Sequence[BatchShape],
        precision: str = "float32",
        *,
        with_stages: bool = True,
    ) -> None:
        """Prepare to measure one model, loaded for each thread count; compiles the probes.

        Args:
            taggers: the model on each thread count.
            shapes: what to measure.
            precision: of the model's products.
            with_stages: whether to measure the way from text to entities, too.
        """
        self.threads = sorted(taggers)
        most = self.threads[-1]
        self._taggers, self._best = taggers, taggers[most]
        self.config, self.precision = self._best.config, precision
        self.rounds = 0
        self.series = {(shape, n): Series() for shape in shapes for n in self.threads}
        self.stages: dict[BatchShape, list[dict[str, float]]] = {
            shape: [] for shape in shapes if with_stages
        }
        self._ids = {shape: random_ids(shape, self.config.vocab_size) for shape in shapes}
        self._texts = {
            shape: [text_of(self._best, shape.tokens)] * shape.batch for shape in self.stages
        }
        self._arithmetic = Arithmetic(most, precision)
        self.peak_of = self._arithmetic.what
        self._memory = Memory(weight_bytes(self.config, precision), most)
        self._reads = -(-READ // self._memory.size)
        self._arithmetic.run(1)
        self._memory.run(1)

    def run(self, seconds: float) -> Iterator[None]:
        """Measure for about so many seconds, one round at least; yields after each burst."""
        began = time.monotonic()
        spent = 0.0
        while self.rounds == 0 or spent * (self.rounds + 1) / self.rounds <= seconds:
            order = list(self.series)
            first = self.rounds % len(order)
            for shape, threads in order[first:] + order[:first]:
                self._measure(shape, threads)
                yield
            for shape in self.stages:
                self._measure_stages(shape)
                yield
            self.rounds += 1
            spent = time.monotonic() - began

    def _measure(self, shape: BatchShape, threads: int) -> None:
        series = self.series[shape, threads]
        logits, ids = self._taggers[threads].logits, self._ids[shape]
        series.calls.append(burst(logits, ids, seconds=BURST, least=1, warm_ups=1))
        series.peak.append(threads * self._arithmetic.flops / _probe(self._arithmetic.run, threads))
        size = self._reads * self._memory.size
        series.read.append(size / _probe(self._memory.run, threads, self._reads))

    def _measure_stages(self, shape: BatchShape) -> None:
        texts = self._texts[shape]
        self._best(texts)
        end = time.perf_counter() + BURST
        while True:
            self.stages[shape].append(text_stages(self._best, texts))
            if time.perf_counter() > end:
                break


def _probe(function: Callable[..., None], *arguments: int) -> float:
    """Median seconds of a few calls."""
    return statistics.median(burst(function, *arguments, seconds=0, least=3, warm_ups=0))


def random_ids(shape: BatchShape, vocabulary: int) -> list[NDArray[np.int32]]:
    """Wordpiece ids int32 `[tokens]` for each sequence of a shape: always the same ones."""
    random = np.random.default_rng(shape.tokens)
    return list(random.integers(0, vocabulary, shape, dtype=np.int32))


def text_stages(tagger: Tagger, texts: list[str]) -> dict[str, float]:
    """Seconds of every stage of one call, text to entities.

    `tokenise` is all before the first native call, and `decode` all after one, between two of
    them included; the stages between are those of `kernels/runtime/stage_timings.py`, summed over
    layers.
    """
    began = _now()
    with tagger.record() as passes:
        tagger(texts)
    ended = _now()
    stages = {"tokenise": (passes[0].nanoseconds()[0] - began) / 1e9}
    for timings in passes:
        for stage, seconds in timings.seconds().items():
            stages[stage] = stages.get(stage, 0.0) + seconds
    stages["decode"] = (ended - began) / 1e9 - sum(stages.values())
    return stages


def _now() -> int:
    """The clock that the time stamps of `stage_timings.py` come from, in nanoseconds."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
