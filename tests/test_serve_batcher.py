"""The batcher: what is run together, in which order, and what is refused or dropped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")

from minner.errors import MinnerError
from minner.serve.batcher import Batcher, estimated_tokens
from minner.serve.limits import Limits, Refusal
from minner.serve.pace import Pace


class Notes:
    """Notes what the batcher tells."""

    def __init__(self) -> None:
        self.most = self.now = (0, 0)
        self.batches: list[tuple[int, int, int]] = []

    def queued(self, texts: int, tokens: int) -> None:
        self.now = texts, tokens
        self.most = max(self.most, self.now)

    def batch(self, texts: int, tokens: int, jobs: int, seconds: float) -> None:
        self.batches.append((texts, tokens, jobs))


class Upper:
    """Stands in for a model: it writes in capitals, and waits at a gate where there is one."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, texts: Sequence[str]) -> list[str]:
        self.gate.wait(10)
        self.seen.append(list(texts))
        if "bad" in texts:
            raise MinnerError("this one is bad")
        return [text.upper() for text in texts]


Body = Callable[[Batcher, Upper, Notes], Awaitable[None]]


def drive(body: Body, **limits: Any) -> tuple[Upper, Notes]:
    """Run a coroutine beside a batcher that works."""
    model, notes = Upper(), Notes()

    async def main() -> None:
        async with Batcher(Limits(**limits), notes).running() as batcher:
            try:
                await body(batcher, model, notes)
            finally:
                model.gate.set()

    asyncio.run(main())
    assert notes.now == (0, 0)
    return model, notes


async def ask(
    batcher: Batcher, model: Upper, *texts: str, key: str = "", seconds: float = 10
) -> Any:
    results, _ = await batcher.submit(model, key, texts, seconds)
    return results


async def held(batcher: Batcher, model: Upper) -> asyncio.Task[Any]:
    """A request that is being computed, and is until the gate opens."""
    model.gate.clear()
    task = asyncio.ensure_future(ask(batcher, model, "first"))
    while batcher.began is None:
        await asyncio.sleep(0)
    return task


async def later(*awaitables: Awaitable[Any]) -> list[asyncio.Task[Any]]:
    """Tasks that wait in the queue."""
    tasks = [asyncio.ensure_future(one) for one in awaitables]
    await asyncio.sleep(0.01)
    return tasks


def test_an_idle_server_starts_at_once() -> None:
    """It would wait for an hour if it waited."""

    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        for text in ("a", "b"):
            assert await ask(batcher, model, text) == [text.upper()]

    model, _ = drive(body, wait_seconds=3600)
    assert model.seen == [["a"], ["b"]]


def test_requests_that_wait_share_a_batch() -> None:
    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        first = await held(batcher, model)
        tasks = await later(ask(batcher, model, "a", "b"), ask(batcher, model, "c"))
        model.gate.set()
        assert await asyncio.gather(first, *tasks) == [["FIRST"], ["A", "B"], ["C"]]

    model, notes = drive(body)
    assert model.seen == [["first"], ["a", "b", "c"]]
    assert [jobs for _, _, jobs in notes.batches] == [1, 2]


def test_a_batch_has_no_more_than_its_tokens() -> None:
    texts = ["x" * 40] * 10

    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        first = await held(batcher, model)
        tasks = await later(*(ask(batcher, model, text) for text in texts))
        model.gate.set()
        await asyncio.gather(first, *tasks)

    model, _ = drive(body, batch_tokens=3 * estimated_tokens(texts[0]))
    assert [len(batch) for batch in model.seen] == [1, 3, 3, 3, 1]


def test_a_long_list_lets_others_through() -> None:
    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        first = await held(batcher, model)
        tasks = await later(
            ask(batcher, model, *(f"list {n}" for n in range(50))), ask(batcher, model, "short")
        )
        model.gate.set()
        assert await asyncio.gather(first, *tasks) == [
            ["FIRST"],
            [f"LIST {n}" for n in range(50)],
            ["SHORT"],
        ]

    model, _ = drive(body, batch_tokens=20, wait_seconds=0)
    turn = next(turn for turn, batch in enumerate(model.seen) if "short" in batch)
    assert turn == 2, "after the first request, and one batch of the list"


def test_other_keys_are_other_batches() -> None:
    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        first = await held(batcher, model)
        tasks = await later(*(ask(batcher, model, key, key=key) for key in "abab"))
        model.gate.set()
        await asyncio.gather(first, *tasks)

    model, _ = drive(body)
    assert model.seen == [["first"], ["a", "a"], ["b", "b"]]


def test_one_bad_text_fails_alone() -> None:
    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        first = await held(batcher, model)
        tasks = await later(*(ask(batcher, model, text) for text in ("a", "bad", "b")))
        model.gate.set()
        results = await asyncio.gather(first, *tasks, return_exceptions=True)
        assert results[1] == ["A"]
        assert isinstance(results[2], MinnerError)
        assert results[3] == ["B"]

    drive(body)


@pytest.mark.parametrize("texts", [["one"], ["a", "b", "c"]])
def test_a_full_queue_refuses(texts: list[str]) -> None:
    """Single requests and lists alike; and it takes them again when there is room."""

    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        first = await held(batcher, model)
        tasks = await later(*(ask(batcher, model, "waits") for _ in range(4)))
        with pytest.raises(Refusal) as caught:
            await ask(batcher, model, *texts)
        assert caught.value.status == 429
        assert int(caught.value.headers["Retry-After"]) >= 1
        model.gate.set()
        await asyncio.gather(first, *tasks)
        assert await ask(batcher, model, *texts) == [text.upper() for text in texts]

    _, notes = drive(body, queue_texts=4)
    assert notes.most[0] == 4


def test_the_pace_of_texts_and_of_tokens() -> None:
    pace = Pace()
    assert pace.seconds(16, 400) == 0  # nothing is known
    assert pace.seconds(16, 400, running=3.0) == 48
    pace.note(1, 10, 2.0)
    assert pace.seconds(16, 40, running=9.0) == 32  # by the texts, which are short
    assert pace.seconds(1, 1000) == pytest.approx(200)  # by its tokens
    for _ in range(50):
        pace.note(1, 10, 4.0)
    assert pace.seconds(16, 40) == pytest.approx(64, rel=1e-3)


def test_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After half of what waits, each text of which takes 6 seconds; at last it is given up."""

    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        monkeypatch.setattr(batcher._pace, "note", lambda *_: None)
        Pace.note(batcher._pace, 1, 1000, 6.0)
        first = await held(batcher, model)
        for waiting, seconds in ((4, "12"), (16, "30")):
            batcher._limits = Limits(queue_texts=waiting, deadline_seconds=30.0)
            missing = waiting - batcher.texts
            tasks = await later(*(ask(batcher, model, "waits") for _ in range(missing)))
            with pytest.raises(Refusal) as caught:
                await ask(batcher, model, "one")
            assert caught.value.headers["Retry-After"] == seconds
            first = asyncio.gather(first, *tasks)
        model.gate.set()
        await first

    drive(body)


def test_tokens_bound_the_queue_too() -> None:
    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        first = await held(batcher, model)
        tasks = await later(ask(batcher, model, "x" * 300))
        with pytest.raises(Refusal, match="queue is full"):
            await ask(batcher, model, "x" * 300)
        with pytest.raises(Refusal, match="queues 4096 and 100 at most") as caught:
            await ask(batcher, model, "x" * 500)
        assert caught.value.status == 413
        model.gate.set()
        await asyncio.gather(first, *tasks)

    drive(body, queue_tokens=100)


def test_who_is_gone_is_not_computed() -> None:
    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        first = await held(batcher, model)
        gone, stays = await later(ask(batcher, model, "gone"), ask(batcher, model, "stays"))
        gone.cancel()
        await asyncio.wait({gone})
        assert notes.now[0] == 1  # its place is free at once
        model.gate.set()
        await asyncio.gather(first, stays)

    model, _ = drive(body)
    assert model.seen == [["first"], ["stays"]]


def test_who_is_late_is_not_computed() -> None:
    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        first = await held(batcher, model)
        with pytest.raises(Refusal, match=r"within 0\.01 seconds") as caught:
            await ask(batcher, model, "late", seconds=0.01)
        assert caught.value.status == 504
        model.gate.set()
        await first

    model, _ = drive(body)
    assert model.seen == [["first"]]


def test_the_rest_of_a_list_whose_client_goes_is_not_computed() -> None:
    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        model.gate.clear()
        (task,) = await later(ask(batcher, model, *("text" for _ in range(100))))
        task.cancel()
        await asyncio.wait({task})
        model.gate.set()

    model, _ = drive(body, batch_tokens=10)
    assert sum(map(len, model.seen)) < 10


def test_every_answer_goes_to_whom_it_belongs() -> None:
    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        async def client(number: int) -> None:
            for turn in range(20):
                texts = [f"client {number} turn {turn} text {n}" for n in range(number % 4 + 1)]
                key = str(number % 3)
                assert await ask(batcher, model, *texts, key=key) == [t.upper() for t in texts]

        await asyncio.gather(*map(client, range(30)))

    drive(body, batch_tokens=40)


def test_a_list_that_fails_in_its_first_batch_does_not_stop_the_others() -> None:
    """What is left of it is dropped: a loop that only skipped it would never wait again."""

    async def body(batcher: Batcher, model: Upper, notes: Notes) -> None:
        with pytest.raises(MinnerError, match="this one is bad"):
            await ask(batcher, model, "bad", *["good"] * 20)
        assert await ask(batcher, model, "next", key="another") == ["NEXT"]

    ends: list[Any] = []
    run = threading.Thread(
        target=lambda: ends.append(drive(body, batch_tokens=1)), name="drive", daemon=True
    )
    run.start()
    run.join(20)
    assert ends, "the batcher hangs"
    assert len(ends[0][0].seen) < 10
