"""Requests that come together, as batches for the model.

The queue belongs to the event loop, which needs no lock for it; one thread computes. A server that
is idle starts at once. While a batch runs, requests gather, and the next batch takes as many of
their texts as it has room for. Jobs take turns: one with more texts than a batch has room for goes
back to the end of the queue, so that a short one never waits for all of a long list.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from minner.serve.limits import Limits, Refusal, too_large, too_much

Run = Callable[[Sequence[str]], Sequence[Any]]
"""What is done with texts; it gives a result for each, and the same whatever the others are."""

BYTES_PER_TOKEN = 4
"""Of UTF-8. English has 4.5 a wordpiece, Chinese 3."""

RATE_SHARE = 0.2
"""How much the last batch counts in the rate that Retry-After is computed from."""


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has; to count them would hold up the event loop."""
    return 2 + len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN


class Observer(Protocol):
    """Is told what the batcher does."""

    def queued(self, texts: int, tokens: int) -> None:
        """So much waits now."""

    def batch(self, texts: int, tokens: int, jobs: int, seconds: float) -> None:
        """A batch was computed."""


class Job:
    """The texts of one request, some of them computed already."""

    def __init__(self, run: Run, key: Hashable, texts: Sequence[str]) -> None:
        """Take the texts that are to be run together with those of other jobs of this key."""
        self.run, self.key, self.texts = run, key, texts
        self.tokens = [estimated_tokens(text) for text in texts]
        self.results: list[Any] = []
        self.taken = 0
        self.done: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self.submitted = perf_counter()
        self.started = 0.0

    def take(self, room: int) -> Part:
        """The next texts, as many as there is room for, and at least one."""
        self.started = self.started or perf_counter()
        first, tokens = self.taken, 0
        while self.taken < len(self.texts) and (not tokens or tokens < room):
            tokens += self.tokens[self.taken]
            self.taken += 1
        return Part(self, self.texts[first : self.taken], tokens)

    def finish(self, outcomes: Sequence[Any]) -> None:
        """Take the outcomes of the texts that were taken last."""
        if self.done.done():
            return
        failed = next((one for one in outcomes if isinstance(one, Exception)), None)
        self.results += outcomes
        if failed is not None:
            self.done.set_exception(failed)
        elif len(self.results) == len(self.texts):
            self.done.set_result(self.results)


class Part(NamedTuple):
    """Texts of a job that are in one batch."""

    job: Job
    texts: Sequence[str]
    tokens: int


class Batcher:
    """A bounded queue, and the thread that works on it."""

    def __init__(self, limits: Limits, observer: Observer) -> None:
        """Make an empty one; it works inside `running`."""
        self._limits, self._observer = limits, observer
        self._jobs: OrderedDict[Job, None] = OrderedDict()
        self.texts = self.tokens = 0
        self._rate = 0.0  # tokens a second
        self._arrived, self._full = asyncio.Event(), asyncio.Event()
        self.began: float | None = None
        """When the batch that runs now began."""

    @asynccontextmanager
    async def running(self) -> Any:
        """Work on the queue, inside a `with`."""
        with ThreadPoolExecutor(1, "minner-serve") as thread:
            worker = asyncio.create_task(self._work(thread))
            try:
                yield self
            finally:
                worker.cancel()
                with suppress(asyncio.CancelledError):
                    await worker

    async def submit(
        self, run: Run, key: Hashable, texts: Sequence[str], seconds: float
    ) -> tuple[list[Any], Job]:
        """Wait for the results of texts. Who is cancelled while waiting is not computed.

        Args:
            run: what is done with them.
            key: texts of jobs with equal keys may be run together.
            texts: one at least.
            seconds: after which the job is given up.

        Returns:
            A result for each text, and the job.

        Raises:
            Refusal: there is no room (429) and perhaps never will be (413), or the time is over
                (504).
            Exception: what `run` raised for one of the texts alone.
        """
        job = Job(run, key, texts)
        self._admit(job)
        try:
            return await asyncio.wait_for(job.done, seconds), job
        except asyncio.TimeoutError:
            message = (
                f"the answer was not there within {max(0, seconds):g} seconds; it was given up"
            )
            raise Refusal(504, message) from None
        finally:
            self._forget(job)

    def _admit(self, job: Job) -> None:
        limits, tokens = self._limits, sum(job.tokens)
        if len(job.texts) > limits.queue_texts or tokens > limits.queue_tokens:
            raise too_large(
                f"the request has {len(job.texts)} texts and about {tokens} tokens, but the server "
                f"queues {limits.queue_texts} and {limits.queue_tokens} at most; send less at once"
            )
        if (
            self.texts + len(job.texts) > limits.queue_texts
            or self.tokens + tokens > limits.queue_tokens
        ):
            raise too_much("the queue is full; try again later", self._retry_seconds())
        self._jobs[job] = None
        self._count(len(job.texts), tokens)
        self._arrived.set()
        if self.tokens >= limits.batch_tokens:
            self._full.set()

    def _retry_seconds(self) -> int:
        """In how many seconds half of the queue will be done, at the rate of the last batches."""
        return max(1, min(60, math.ceil(self.tokens / 2 / self._rate))) if self._rate else 1

    def _forget(self, job: Job) -> None:
        """Drop what is left of a job that nobody waits for."""
        if self._jobs.pop(job, job) is None:
            self._count(-(len(job.texts) - job.taken), -sum(job.tokens[job.taken :]))

    def _count(self, texts: int, tokens: int) -> None:
        self.texts += texts
        self.tokens += tokens
        self._observer.queued(self.texts, self.tokens)

    async def _work(self, thread: ThreadPoolExecutor) -> None:
        busy = False
        while True:
            if not self._jobs:
                self._arrived.clear()
                await self._arrived.wait()
            elif busy:
                await self._wait_for_more()
            parts = list(self._gather())
            if busy := bool(parts):
                await self._compute(thread, parts)

    async def _wait_for_more(self) -> None:
        """Let the clients that just got answers ask again, unless a batch is full already."""
        if self.tokens < self._limits.batch_tokens and self._limits.wait_seconds:
            self._full.clear()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._full.wait(), self._limits.wait_seconds)

    def _gather(self) -> Iterator[Part]:
        """The next batch: of the job that waits longest, and of others with its key.

        It is empty only if no job is left. So a job that is over already, because one of its texts
        failed or nobody waits for it, is dropped here: who submitted it may do so only later.
        """
        for job in [job for job in self._jobs if job.done.done()]:
            self._forget(job)
        waiting, room = list(self._jobs), self._limits.batch_tokens
        for job in waiting:
            if room <= 0:
                return
            if job.key != waiting[0].key:
                continue
            part = job.take(room)
            room -= part.tokens
            if job.taken == len(job.texts):
                del self._jobs[job]
            else:
                self._jobs.move_to_end(job)
            self._count(-len(part.texts), -part.tokens)
            yield part

    async def _compute(self, thread: ThreadPoolExecutor, parts: Sequence[Part]) -> None:
        texts = [text for part in parts for text in part.texts]
        tokens = sum(part.tokens for part in parts)
        self.began = perf_counter()
        loop = asyncio.get_running_loop()
        outcomes = await loop.run_in_executor(thread, _outcomes, parts[0].job.run, texts)
        seconds = perf_counter() - self.began
        self.began = None
        self._rate += RATE_SHARE * (tokens / max(seconds, 1e-6) - self._rate)
        self._observer.batch(len(texts), tokens, len(parts), seconds)
        at = 0
        for part in parts:
            part.job.finish(outcomes[at : at + len(part.texts)])
            at += len(part.texts)


def _outcomes(run: Run, texts: Sequence[str]) -> list[Any]:
    """A result for each text, or the exception that it raises when it is run alone."""
    try:
        return list(run(texts))
    except Exception as error:
        if len(texts) == 1:
            return [error]
        return [_outcomes(run, [text])[0] for text in texts]
