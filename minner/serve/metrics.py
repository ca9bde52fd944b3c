"""What a server tells Prometheus."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from minner.kernels.runtime.stage_timings import StageTimings

SHARED_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names where several processes add up their metrics."""

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
SIZES = tuple(2**n for n in range(15))

CONTENT_TYPE = CONTENT_TYPE_LATEST


class _Explanations:
    """What is told of explanations, which wait in a queue of their own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waiting = Gauge(
            "minner_queue_explanations",
            "Explanations that wait.",
            multiprocess_mode="livesum",
            registry=registry,
        )

    def queued(self, texts: int, tokens: int) -> None:
        """So much waits now."""
        self._waiting.set(texts)

    def batch(self, texts: int, tokens: int, jobs: int, seconds: float) -> None:
        """An explanation was computed; `minner_request_seconds` has its time."""


class Metrics:
    """The metrics of one process, or of all that share a directory."""

    def __init__(self) -> None:
        """Make them all, with nothing counted yet."""
        self._registry = own = CollectorRegistry()
        waiting = partial(Gauge, multiprocess_mode="livesum", registry=own)
        counter = partial(Counter, registry=own)
        sizes = partial(Histogram, buckets=SIZES, registry=own)
        seconds = partial(Histogram, buckets=SECONDS, registry=own)

        estimated = "estimated from bytes."
        self._queue_texts = waiting("minner_queue_texts", "Texts that wait.")
        self._queue_tokens = waiting("minner_queue_tokens", f"Tokens that wait, {estimated}")
        self._batch_texts = sizes("minner_batch_texts", "Texts of a batch.")
        self._batch_tokens = sizes("minner_batch_tokens", f"Tokens of a batch, {estimated}")
        self._batch_requests = sizes("minner_batch_requests", "Requests that share a batch.")
        self._texts = counter("minner_texts", "Texts that were computed.")
        self._tokens = counter("minner_tokens", f"Tokens that were computed, {estimated}")
        self._steps = seconds(
            "minner_step_seconds", "Time of a request by step: receive, queue, compute.", ["step"]
        )
        self._stages = counter(
            "minner_stage_seconds", "Time of the forward pass by its stages.", ["stage"]
        )
        self._requests = seconds(
            "minner_request_seconds", "Time from a request to its answer.", ["path", "status"]
        )
        self.explanations = _Explanations(own)

    def queued(self, texts: int, tokens: int) -> None:
        """So much waits now."""
        self._queue_texts.set(texts)
        self._queue_tokens.set(tokens)

    def batch(self, texts: int, tokens: int, jobs: int, seconds: float) -> None:
        """A batch was computed."""
        self._batch_texts.observe(texts)
        self._batch_tokens.observe(tokens)
        self._batch_requests.observe(jobs)
        self._texts.inc(texts)
        self._tokens.inc(tokens)

    def passes(self, passes: Iterable[StageTimings]) -> None:
        """Native calls were made."""
        for one in passes:
            for stage, seconds in one.seconds().items():
                self._stages.labels(stage).inc(max(seconds, 0))

    def step(self, name: str, seconds: float) -> None:
        """A step of a request took so long."""
        self._steps.labels(name).observe(seconds)

    def request(self, path: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(path, status).observe(seconds)

    def text(self) -> bytes:
        """What Prometheus reads."""
        registry = self._registry
        if SHARED_DIRECTORY in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def close(self) -> None:
        """Take this process out of the sums of what is now."""
        if SHARED_DIRECTORY in os.environ:
            mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]
