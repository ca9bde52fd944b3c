"""The application: addresses, bodies, errors, and what is noted of each request."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from time import perf_counter
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from minner.errors import MinnerError
from minner.serve.batcher import Batcher
from minner.serve.bodies import fields_of
from minner.serve.interrupting import interruptible
from minner.serve.limits import BodyReader, Limits, Refusal, too_much
from minner.serve.live import CONTENT_SECURITY_POLICY, live_page
from minner.serve.logs import LOGGER, log_request
from minner.serve.metrics import CONTENT_TYPE, Metrics
from minner.serve.schema import schema
from minner.serve.service import Answer, Service
from minner.tagger import Tagger

Endpoint = Callable[[Request], Awaitable[Response]]
Ask = Callable[[dict[str, Any], float], Awaitable[Answer]]

CLIENT_IS_GONE = 499
"""nginx's number for an answer that nobody waits for; it appears in logs and metrics only."""

OTHER = "other"
"""The address, in logs and metrics, of requests to what there is not."""

TIMEOUT_HEADER = "x-request-timeout"


class App:
    """One process's ASGI application.

    Attributes:
        draining: whether the process is about to end. It then asks clients to close.
    """

    def __init__(self, ner: Tagger, limits: Limits | None = None) -> None:
        """Serve a model within limits."""
        self._limits = limits or Limits()
        self._metrics = Metrics()
        self._ner = ner
        self._reader = BodyReader(self._limits)
        self._open = 0
        self.draining = False
        self._lifespan = Router(lifespan=lambda _: self.running())
        self._endpoints: dict[str, dict[str, Endpoint]] = {
            "/": {"GET": self._home, "POST": self._asks("tag")},
            "/redact": {"POST": self._asks("redact")},
            "/explain": {"POST": self._explain},
            "/trace": {"POST": self._asks("trace")},
            "/health": {"GET": self._health},
            "/ready": {"GET": self._ready},
            "/metrics": {"GET": self._show_metrics},
            "/openapi.json": {"GET": self._openapi},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            response = await self._observed(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await self._lifespan(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the threads that compute, for as long as a `with` lasts."""
        limits, metrics = self._limits, self._metrics
        few = replace(limits, queue_texts=limits.waiting_explanations)
        self._batcher = Batcher(limits, metrics)
        explaining = Batcher(few, metrics.explanations, "minner-explain")
        self._service = Service(self._ner, self._batcher, explaining, limits, metrics)
        self._home_page = live_page(self._service.facts())
        try:
            async with self._batcher.running(), explaining.running():
                yield
        finally:
            metrics.close()

    # ---- what every request has -----------------------------------------------------------------

    async def _observed(self, request: Request) -> Response:
        """The answer, counted and logged."""
        began = perf_counter()
        self._open += 1
        try:
            path, response = await self._guarded(request)
        finally:
            self._open -= 1
        seconds = perf_counter() - began
        self._metrics.request(path, response.status_code, seconds)
        note = {"method": request.method, "path": path, "status": response.status_code}
        log_request(**note, seconds=round(seconds, 6), **getattr(response, "note", {}))
        if self.draining:
            response.headers["connection"] = "close"
        return response

    async def _guarded(self, request: Request) -> tuple[str, Response]:
        """The address as metrics and logs may have it, and the answer, whatever happens."""
        path = request.scope["path"]
        endpoint = self._endpoint(path, request.method)
        if isinstance(endpoint, Response):
            return OTHER, endpoint
        try:
            if request.method == "POST" and self._open > self._limits.open_requests:
                raise too_much("too many requests are open; try again later")
            return path, await endpoint(request)
        except Refusal as refusal:
            return path, _error(refusal.status, str(refusal), refusal.headers)
        except MinnerError as error:
            return path, _error(400, " ".join(str(error).split()))
        except ClientDisconnect:
            return path, _error(CLIENT_IS_GONE, "the client is gone")
        except Exception:
            LOGGER.exception("failure")
            return path, _error(500, "something is wrong with the server; its log says more")

    def _endpoint(self, path: str, method: str) -> Endpoint | Response:
        """What answers; or the answer to an address or a method that there is not."""
        endpoints = self._endpoints.get(path)
        lists = "GET /openapi.json lists what there is"
        if endpoints is None:
            return _error(404, f"there is no such address; {lists}")
        endpoint = endpoints.get("GET" if method == "HEAD" else method)
        if endpoint is None:
            return _error(
                405, f"{method} is not for here; {lists}", {"Allow": ", ".join(endpoints)}
            )
        return endpoint

    async def _answer(self, request: Request, ask: Ask) -> Answer:
        """Read the body, ask, and stop asking if the client goes."""
        seconds, began = self._seconds(request), perf_counter()
        body = await self._reader.read(request)
        received = perf_counter()
        with interruptible() as interrupt:
            watching = asyncio.ensure_future(_gone(request))
            watching.add_done_callback(lambda _: interrupt(ClientDisconnect()))
            try:
                answer = await ask(fields_of(body), seconds - (received - began))
            finally:
                watching.cancel()
        self._metrics.step("receive", received - began)
        if answer.job is not None:
            self._metrics.step("queue", answer.job.started - answer.job.submitted)
            self._metrics.step("compute", perf_counter() - answer.job.started)
        return answer

    def _seconds(self, request: Request) -> float:
        """How long the client waits: what the header says, but no longer than the server does."""
        most = self._limits.deadline_seconds
        asked = request.headers.get(TIMEOUT_HEADER)
        if asked is None:
            return most
        try:
            seconds = float(asked)
        except ValueError:
            seconds = math.nan
        if not seconds > 0:
            raise MinnerError(f"{TIMEOUT_HEADER} must be a number of seconds above 0")
        return min(seconds, most)

    # ---- addresses ------------------------------------------------------------------------------

    def _asks(self, name: str) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            return _json(await self._answer(request, getattr(self._service, name)))

        return endpoint

    async def _explain(self, request: Request) -> Response:
        as_page = "text/html" in request.headers.get("accept", "")

        def ask(fields: dict[str, Any], seconds: float) -> Awaitable[Answer]:
            return self._service.explain(fields, seconds, as_page=as_page)

        answer = await self._answer(request, ask)
        return HTMLResponse(answer.content) if as_page else _json(answer)

    async def _home(self, _: Request) -> Response:
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        return HTMLResponse(self._home_page, headers=headers)

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _ready(self, _: Request) -> Response:
        """Not while the process ends, or where a batch has run longer than anyone waits."""
        began = self._batcher.began
        if self.draining:
            raise Refusal(503, "the server is about to end")
        if began is not None and perf_counter() - began > self._limits.deadline_seconds:
            raise Refusal(503, "a batch has been running for longer than a request may take")
        return JSONResponse({"status": "ready"})

    async def _show_metrics(self, _: Request) -> Response:
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)

    async def _openapi(self, _: Request) -> Response:
        return JSONResponse(schema(self._limits, self._ner.entity_labels))


async def _gone(request: Request) -> None:
    """Wait until the client hangs up; its body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _json(answer: Answer) -> Response:
    content = answer.content
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    # A lone surrogate, which JSON can hold and UTF-8 cannot, is written as an escape.
    response = Response(text.encode("utf-8", "backslashreplace"), media_type="application/json")
    if answer.job is not None:
        job = answer.job
        response.note = {"texts": len(job.texts), "tokens": sum(job.tokens)}  # type: ignore[attr-defined]
    return response


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    content = json.dumps({"error": message}, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(content, status, headers, media_type="application/json")
