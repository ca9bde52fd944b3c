"""The application: its answers are those of the library, and whatever comes gets a sentence."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from copy import copy
from dataclasses import asdict
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
pytest.importorskip("prometheus_client", reason="the extra serve is not installed")
pytest.importorskip("httpx", reason="httpx, which asks, is not installed")

from minner.compat import pipeline
from minner.explain.page import page
from minner.redact import NUMBERED, Redactor
from minner.serve.app import App
from minner.tagger import Tagger
from serving import with_client

TEXTS = [
    "Anna Kern lives in Rome.",
    "",
    "\ud800 lone",
    "日本 and Acme",
    "x" * 300,
    "Kofi Annan flew.",
]


def entities(ner: Tagger, text: str) -> dict[str, Any]:
    return {"text": text, "entities": [asdict(entity) for entity in ner(text)]}


def body_of(fields: Any) -> bytes:
    return json.dumps(fields).encode()


def test_answers_are_those_of_the_library(tiny: Tagger) -> None:
    async def body(client: Any, app: App) -> None:
        answers = await asyncio.gather(
            *(client.post("/", content=body_of({"text": text})) for text in TEXTS * 5)
        )
        for text, answer in zip(TEXTS * 5, answers, strict=True):
            assert answer.json() == entities(tiny, text)
        answer = await client.post("/", content=body_of({"texts": TEXTS}))
        assert answer.json() == {"results": [entities(tiny, text) for text in TEXTS]}
        assert (await client.post("/", json={"texts": []})).json() == {"results": []}

    with_client(tiny, body)


def test_alone_or_batched_the_bytes_are_the_same(tiny: Tagger) -> None:
    async def body(client: Any, app: App) -> None:
        async def ask(text: str) -> bytes:
            return (await client.post("/", content=body_of({"text": text}))).content

        alone = [await ask(text) for text in TEXTS]
        together = await asyncio.gather(*map(ask, TEXTS * 20))
        assert together == alone * 20
        metrics = (await client.get("/metrics")).text
        assert 'minner_batch_requests_bucket{le="1.0"}' in metrics

    with_client(tiny, body)


def test_options_are_those_of_load(tiny: Tagger) -> None:
    options = {"decoder": "viterbi", "min_score": 0.2, "offsets": "utf16"}

    async def body(client: Any, app: App) -> None:
        answer = await client.post("/", content=body_of({"texts": TEXTS, "options": options}))
        ner = tiny.with_options(**options)
        assert answer.json()["results"] == [entities(ner, text) for text in TEXTS]

    with_client(tiny, body)


@pytest.mark.parametrize("strategy", ["none", "simple", "first", "average", "max"])
def test_inputs_get_the_values_of_hugging_face(tiny: Tagger, strategy: str) -> None:
    texts = [text for text in TEXTS if len(text) < 30]

    async def body(client: Any, app: App) -> None:
        parameters = {"aggregation_strategy": strategy, "ignore_labels": []}
        fields = {"inputs": texts, "parameters": parameters}
        found = (await client.post("/", content=body_of(fields))).json()
        expected = pipeline(model=tiny)(texts, **parameters)
        assert found == json.loads(json.dumps(expected, default=float))
        single = (await client.post("/", json={"inputs": texts[0]})).json()
        simple = pipeline(model=tiny, aggregation_strategy="simple")(texts[0])
        assert single == json.loads(json.dumps(simple, default=float))

    with_client(tiny, body)


def test_redaction(tiny: Tagger) -> None:
    async def body(client: Any, app: App) -> None:
        fields = {"texts": TEXTS, "numbered": True}
        found = (await client.post("/redact", content=body_of(fields))).json()["results"]
        redactor = Redactor(NUMBERED)
        expected = [redactor(text, tiny(text)) for text in TEXTS]
        assert [one["text"] for one in found] == [one.text for one in expected]
        assert [len(one["replaced"]) for one in found] == [len(one.mapping) for one in expected]
        masked = (await client.post("/redact", json={"text": TEXTS[0], "mask": "#"})).json()
        assert masked["text"] == Redactor(mask="#")(TEXTS[0], tiny(TEXTS[0])).text

    with_client(tiny, body)


def test_explanation_and_trace(tiny: Tagger) -> None:
    text, head = TEXTS[0], "transformer.layer.0.attention.head.1"

    async def body(client: Any, app: App) -> None:
        found = (await client.post("/explain", json={"text": text})).json()
        expected = tiny.explain(text)
        assert found["entities"] == expected["entities"]
        assert found["runs"] == expected["runs"]
        assert found["arrays"]["lens"] == expected["arrays"]["lens"].tolist()
        assert "attention" not in found["arrays"]
        asked = {"text": text, "arrays": ["attention"]}
        found = (await client.post("/explain", json=asked)).json()
        assert found["arrays"] == {"attention": expected["arrays"]["attention"].tolist()}
        html = await client.post("/explain", json={"text": text}, headers={"Accept": "text/html"})
        assert html.headers["content-type"].startswith("text/html")
        assert len(html.text) == pytest.approx(len(page(expected)), rel=0.05)  # times differ
        traced = (await client.post("/trace", json={"text": text, "without": [head]})).json()
        run = tiny.trace(text, without=[head])
        for name in ("entities", "lost", "gained"):
            assert traced[name] == [asdict(entity) for entity in getattr(run, name)]

    with_client(tiny, body)


BAD = {
    "/": [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff",
        b"[" * 100_000,
        b'{"text": %s}' % (b"9" * 5000),
        {},
        {"text": 1},
        {"text": None},
        {"text": "a", "texts": ["b"]},
        {"texts": "a"},
        {"texts": [1]},
        {"texts": [["a"]]},
        {"text": "a", "optoins": {}},
        {"text": "a", "options": []},
        {"text": "a", "options": {"decoder": "x"}},
        {"text": "a", "options": {"decoder": []}},
        {"text": "a", "options": {"min_score": "x"}},
        {"text": "a", "options": {"labels": [1]}},
        {"text": "a", "options": {"labels": []}},
        {"text": "a", "options": {"threads": 2}},
        {"text": "word " * 100, "options": {"on_long": "error"}},
        {"inputs": 1},
        {"inputs": "a", "parameters": {"aggregation_strategy": 1}},
        {"inputs": "a", "parameters": {"stride": -1}},
        {"inputs": "a", "parameters": {"unknown": 1}},
    ],
    "/redact": [
        {"text": "a", "labels": ["X"]},
        {"text": "a", "labels": []},
        {"text": "a", "labels": "PER"},
        {"text": "a", "template": "{x}"},
        {"text": "a", "template": 1},
        {"text": "a", "mask": "##"},
        {"text": "a", "mask": "#", "numbered": True},
        {"text": "a", "numbered": "yes"},
    ],
    "/explain": [
        {"text": ""},
        {"texts": ["a"]},
        {"text": "a", "window": 7},
        {"text": "a", "window": "0"},
        {"text": "a", "window": True},
        {"text": "a", "arrays": ["x"]},
        {"text": "a", "arrays": 3},
    ],
    "/trace": [{"text": "a", "without": ["x"]}, {"text": "a", "without": "x"}, {"text": 7}],
}


@pytest.mark.parametrize(
    ("path", "fields"), [(path, fields) for path, many in BAD.items() for fields in many]
)
def test_what_means_nothing_gets_a_sentence(tiny: Tagger, path: str, fields: Any) -> None:
    async def body(client: Any, app: App) -> None:
        content = fields if isinstance(fields, bytes) else body_of(fields)
        answer = await client.post(path, content=content)
        assert answer.status_code == 400
        assert list(answer.json()) == ["error"]
        assert "\n" not in answer.json()["error"]

    with_client(tiny, body)


def test_addresses_that_there_are_not(tiny: Tagger) -> None:
    async def body(client: Any, app: App) -> None:
        for method, path, status in [("GET", "/x", 404), ("PUT", "/", 405), ("GET", "/trace", 405)]:
            answer = await client.request(method, path)
            assert answer.status_code == status
            assert "openapi.json" in answer.json()["error"]

    with_client(tiny, body)


# ---- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("size", [1001, 9 << 20])
def test_a_large_body_is_told_the_limit(tiny: Tagger, declared: bool, size: int) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(0, size, 100_000):
            yield b" " * min(size, 100_000)

    async def body(client: Any, app: App) -> None:
        answer = await client.post("/", content=b" " * size if declared else chunks())
        assert answer.status_code == 413
        assert "1000 bytes" in answer.json()["error"]

    with_client(tiny, body, body_bytes=1000)


def test_other_limits_are_told_too(tiny: Tagger) -> None:
    async def body(client: Any, app: App) -> None:
        for path, fields, limit in [
            ("/", {"texts": ["a"] * 5}, "4"),
            ("/", {"inputs": ["a"] * 5}, "4"),
            ("/", {"text": "x" * 500}, "100"),
            ("/explain", {"text": "x" * 31}, "30"),
            ("/trace", {"text": "x" * 31}, "30"),
            ("/explain", {"text": "a b c", "arrays": ["activation"]}, "20"),
        ]:
            answer = await client.post(path, json=fields)
            assert answer.status_code == 413, fields
            assert limit in answer.json()["error"]

    limits = {"request_texts": 4, "queue_tokens": 100, "explained_characters": 30}
    with_client(tiny, body, **limits, explained_values=20)


def test_a_slow_body_is_given_up(tiny: Tagger) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    async def body(client: Any, app: App) -> None:
        answer = await client.post("/", content=slowly())
        assert answer.status_code == 408
        assert answer.headers["connection"] == "close"

    with_client(tiny, body, body_seconds=0.05)


class Gated(Tagger):
    """A tagger that computes nothing until the gate opens."""

    gate: threading.Event
    seen: int

    def __call__(self, text: Any) -> Any:
        self.gate.wait(10)
        self.seen += len(text)
        return super().__call__(text)


@pytest.fixture
def gated(tiny: Tagger) -> Gated:
    gated = copy(tiny)
    gated.__class__ = Gated
    gated.gate, gated.seen = threading.Event(), 0
    return gated


def test_overload_is_refused_and_nothing_accepted_is_lost(tiny: Tagger, gated: Gated) -> None:
    async def body(client: Any, app: App) -> None:
        single = [{"text": f"Anna {n}"} for n in range(30)]
        lists = [{"texts": [f"Bob {n}"] * 4} for n in range(10)]
        tasks = [asyncio.ensure_future(client.post("/", json=one)) for one in single + lists]
        await asyncio.sleep(0.2)
        gated.gate.set()
        answers = await asyncio.gather(*tasks)
        refused = [answer for answer in answers if answer.status_code == 429]
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        assert any(answer.status_code == 429 for answer in answers[30:])
        assert 10 <= sum(answer.status_code == 200 for answer in answers) == 40 - len(refused)
        for fields, answer in zip(single, answers, strict=False):
            if answer.status_code == 200:
                assert answer.json() == entities(tiny, fields["text"])

    with_client(gated, body, queue_texts=16)


def test_a_deadline_that_has_passed(gated: Gated) -> None:
    async def body(client: Any, app: App) -> None:
        first = asyncio.ensure_future(client.post("/", json={"text": "first"}))
        await asyncio.sleep(0.05)
        late = await client.post("/", json={"text": "a"}, headers={"X-Request-Timeout": "0.05"})
        assert late.status_code == 504
        gated.gate.set()
        assert (await first).status_code == 200
        for wrong in ("x", "-1", "0", "nan"):
            headers = {"X-Request-Timeout": wrong}
            answer = await client.post("/", json={"text": "a"}, headers=headers)
            assert answer.status_code == 400

    with_client(gated, body)
    assert gated.seen == 1


def test_a_client_that_hangs_up_is_not_computed(gated: Gated) -> None:
    async def body(client: Any, app: App) -> None:
        first = asyncio.ensure_future(client.post("/", json={"text": "first"}))
        await asyncio.sleep(0.05)
        messages = [
            {"type": "http.request", "body": body_of({"text": "gone"}), "more_body": False},
            {"type": "http.disconnect"},
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
        await app(scope, receive, send)
        assert sent[0]["status"] == 499
        gated.gate.set()
        assert (await first).status_code == 200

    with_client(gated, body)
    assert gated.seen == 1


def test_an_explanation_holds_up_no_one_but_other_explanations(tiny: Tagger) -> None:
    """They have a thread and a bounded queue of their own."""
    explained = threading.Event()

    class Slow(Tagger):
        def explain(self, text: str, *, window: int = 0) -> Any:
            explained.wait(10)
            return super().explain(text, window=window)

    async def body(client: Any, app: App) -> None:
        def explain() -> asyncio.Task[Any]:
            return asyncio.ensure_future(client.post("/explain", json={"text": "Anna"}))

        running = explain()
        await asyncio.sleep(0.1)
        waiting = [explain() for _ in range(4)]
        await asyncio.sleep(0.1)
        assert [task.done() for task in waiting] == [False, False, True, True]
        assert [task.result().status_code for task in waiting[2:]] == [429, 429]
        assert int(waiting[2].result().headers["retry-after"]) >= 1
        answer = await client.post("/", json={"text": TEXTS[0]})
        assert answer.json() == entities(tiny, TEXTS[0])
        assert "minner_queue_explanations 2.0" in (await client.get("/metrics")).text
        assert not running.done()
        explained.set()
        answers = await asyncio.gather(running, *waiting[:2])
        assert [answer.status_code for answer in answers] == [200, 200, 200]

    slow = copy(tiny)
    slow.__class__ = Slow
    with_client(slow, body, waiting_explanations=2)


# ---- what operators see -------------------------------------------------------------------------


def test_health_readiness_and_metrics(tiny: Tagger) -> None:
    async def body(client: Any, app: App) -> None:
        await client.post("/", json={"texts": ["Anna", "Rome"]})
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert (await client.get("/ready")).json() == {"status": "ready"}
        metrics = (await client.get("/metrics")).text
        for line in (
            "minner_texts_total 2.0",
            "minner_queue_texts 0.0",
            "minner_batch_texts_sum 2.0",
            'minner_stage_seconds_total{stage="qkv"}',
            'minner_step_seconds_count{step="queue"} 1.0',
            'minner_request_seconds_count{path="/",status="200"} 1.0',
        ):
            assert line in metrics
        app.draining = True
        answer = await client.get("/ready")
        assert answer.status_code == 503
        assert answer.headers["connection"] == "close"
        assert (await client.post("/", json={"text": "a"})).status_code == 200

    with_client(tiny, body)


def test_a_failure_is_logged_without_the_text(
    tiny: Tagger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from minner.serve.logs import JsonLines

    def fail(self: Tagger, text: Any) -> Any:
        raise RuntimeError(f"cannot read {text}")

    async def body(client: Any, app: App) -> None:
        monkeypatch.setattr(Tagger, "__call__", fail)
        answer = await client.post("/?q=secret", json={"text": "secret"})
        assert answer.status_code == 500
        assert "secret" not in answer.text
        await client.get("/secret")

    with caplog.at_level("INFO", logger="minner.serve"):
        with_client(tiny, body)
    lines = [JsonLines().format(record) for record in caplog.records]
    events = [json.loads(line)["event"] for line in lines]
    assert events == ["failure", "request", "request"]
    assert "secret" not in "".join(lines)
    assert json.loads(lines[0])["exception"] == "RuntimeError"
