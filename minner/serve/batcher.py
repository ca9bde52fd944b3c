"""Requests that come together, as batches for the model.

One thread computes. It takes the next batch itself as soon as it is done with one, while the event
loop still hands out what came of that. A server that is idle starts at once. While a batch runs,
requests gather, and the next batch takes as many of their texts as it has room for. Jobs take
turns: one with more texts than a batch has room for goes back to the end of the queue, so that a
short one never waits for all of a long list.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from minner.serve.limits import Limits, Refusal, too_large, too_much
from minner.serve.pace import Pace

Run = Callable[[Sequence[str]], Sequence[Any]]
"""What is done with texts; it gives a result for each, and the same whatever the others are."""

BYTES_PER_TOKEN = 4
"""Of UTF-8. English has 4.5 a wordpiece, Chinese 3."""


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
        self.failed: Exception | None = None
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

    def give_up(self, seconds: float) -> None:
        """End the wait: the time is over."""
        if not self.done.done():
            waited = f"{max(0, seconds):g} seconds"
            self.done.set_exception(
                Refusal(504, f"the answer was not there within {waited}; it was given up")
            )

    def note(self, outcomes: Sequence[Any]) -> None:
        """Take the outcomes of the texts that were taken last."""
        self.results += outcomes
        if self.failed is None:
            self.failed = next((one for one in outcomes if isinstance(one, Exception)), None)

    def finish(self) -> None:
        """Tell who waits, if all is computed or something failed; in the event loop."""
        if self.done.done():
            return
        if self.failed is not None:
            self.done.set_exception(self.failed)
        elif len(self.results) == len(self.texts):
            self.done.set_result(self.results)

    @property
    def is_over(self) -> bool:
        """Whether what is left of it need not be computed."""
        return self.failed is not None or self.done.done()


class Part(NamedTuple):
    """Texts of a job that are in one batch."""

    job: Job
    texts: Sequence[str]
    tokens: int


class Batcher:
    """A bounded queue, and the thread that works on it."""

    def __init__(self, limits: Limits, observer: Observer, name: str = "minner-serve") -> None:
        """Make an empty one; it works inside `running`, in a thread of this name."""
        self._limits, self._observer, self._name = limits, observer, name
        self._jobs: OrderedDict[Job, None] = OrderedDict()
        self._changed = threading.Condition()  # holds for all that both threads change
        self.texts = self.tokens = 0
        self._enough = limits.batch_tokens // 2
        self._pace = Pace()
        self._ended = False
        self.began: float | None = None
        """When the batch that runs now began."""

    @asynccontextmanager
    async def running(self) -> Any:
        """Work on the queue, inside a `with`."""
        loop = asyncio.get_running_loop()
        thread = threading.Thread(target=self._work, args=(loop,), name=self._name, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()
            thread.join()

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
        timer = asyncio.get_running_loop().call_later(seconds, job.give_up, seconds)
        try:
            return await job.done, job
        finally:
            timer.cancel()
            self._forget(job)

    def _admit(self, job: Job) -> None:
        limits, texts, tokens = self._limits, len(job.texts), sum(job.tokens)
        if texts > limits.queue_texts or tokens > limits.queue_tokens:
            raise too_large(
                f"the request has {texts} texts and about {tokens} tokens, but the server "
                f"queues {limits.queue_texts} and {limits.queue_tokens} at most; send less at once"
            )
        with self._changed:
            if (
                self.texts + texts > limits.queue_texts
                or self.tokens + tokens > limits.queue_tokens
            ):
                raise too_much("the queue is full; try again later", self._retry_seconds())
            self._jobs[job] = None
            self._count(texts, tokens)
            if len(self._jobs) == 1 or self.tokens >= self._enough:
                self._changed.notify()

    def _retry_seconds(self) -> int:
        """In how many seconds half of the queue will be done, or given up."""
        running = 0.0 if self.began is None else perf_counter() - self.began
        seconds = self._pace.seconds(self.texts, self.tokens, running) / 2
        return max(1, math.ceil(min(seconds, self._limits.deadline_seconds)))

    def _forget(self, job: Job) -> None:
        """Drop what is left of a job that nobody waits for."""
        with self._changed:
            if self._jobs.pop(job, job) is None:
                self._count(-(len(job.texts) - job.taken), -sum(job.tokens[job.taken :]))

    def _count(self, texts: int, tokens: int) -> None:
        self.texts += texts
        self.tokens += tokens
        self._observer.queued(self.texts, self.tokens)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Compute batches until the end; the event loop hands out what comes of them meanwhile."""
        others_wait = False
        while parts := self._next(others_wait):
            self.began = began = perf_counter()
            _compute(parts)
            self.began, others_wait = None, bool(self._jobs)
            loop.call_soon_threadsafe(self._finish, parts, perf_counter() - began)

    def _next(self, others_wait: bool) -> list[Part]:
        """Wait for the next batch; it is empty at the end.

        The clients that get the answers of the last batch just now may ask again at once. If others
        have been waiting, but not enough for a batch, they go on waiting a moment for those.
        """
        with self._changed:
            if others_wait:
                self._changed.wait_for(self._has_enough, self._limits.wait_seconds)
            while not self._ended:
                if parts := list(self._gather()):
                    return parts
                self._changed.wait()
        return []

    def _has_enough(self) -> bool:
        return self._ended or self.tokens >= self._enough

    def _gather(self) -> Iterator[Part]:
        """The next batch: of the job that waits longest, and of others with its key.

        It is empty only if no job is left. So a job that is over already, because one of its texts
        failed or nobody waits for it, is dropped here: who submitted it may do so only later.
        Called by who holds the queue.
        """
        for job in [job for job in self._jobs if job.is_over]:
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

    def _finish(self, parts: Sequence[Part], seconds: float) -> None:
        """Hand out what came of a batch; in the event loop."""
        texts = sum(len(part.texts) for part in parts)
        tokens = sum(part.tokens for part in parts)
        self._pace.note(texts, tokens, seconds)
        self._observer.batch(texts, tokens, len(parts), seconds)
        for part in parts:
            part.job.finish()


def _compute(parts: Sequence[Part]) -> None:
    """Run a batch, and give each job the outcomes of its texts."""
    outcomes = iter(_outcomes(parts[0].job.run, [text for part in parts for text in part.texts]))
    for part in parts:
        part.job.note([*islice(outcomes, len(part.texts))])


def _outcomes(run: Run, texts: Sequence[str]) -> list[Any]:
    """A result for each text, or the exception that it raises when it is run alone."""
    try:
        return list(run(texts))
    except Exception as error:
        if len(texts) == 1:
            return [error]
        return [_outcomes(run, [text])[0] for text in texts]
