"""How much a server takes on, and how it refuses more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import Request

from minner.serve.interrupting import interruptible

SPARE_BYTES = 4 << 20
"""Of a body that is too large, so much is read and thrown away before the answer: most clients read
no answer before they have sent everything."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one process.

    Attributes:
        body_bytes: of a request's body.
        body_seconds: within which a body must have come.
        header_seconds: within which the first request of a connection must have come.
        held_bytes: of all bodies that are being received.
        open_requests: that are being received, wait or run.
        request_texts: of one request.
        explained_characters: of a text to explain, which takes hundreds of runs.
        explained_values: of the arrays in one explanation as JSON.
        waiting_explanations: that wait; they have a queue and a thread of their own.
        queue_texts: that wait.
        queue_tokens: that wait, as `batcher.estimated_tokens` counts.
        batch_tokens: after so many, a batch is full.
        wait_seconds: that a busy server waits for more texts before it starts a batch.
        deadline_seconds: after which a request is given up.
    """

    body_bytes: int = 1 << 20
    body_seconds: float = 10.0
    header_seconds: float = 20.0
    held_bytes: int = 64 << 20
    open_requests: int = 4096
    request_texts: int = 1024
    explained_characters: int = 1000
    explained_values: int = 1_000_000
    waiting_explanations: int = 16
    queue_texts: int = 4096
    queue_tokens: int = 1 << 18
    batch_tokens: int = 1024
    wait_seconds: float = 0.002
    deadline_seconds: float = 30.0


class Refusal(Exception):
    """An answer other than success: a status, a sentence, and headers."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        """`Retry_After="1"` among `headers` is the header Retry-After."""
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def too_large(message: str) -> Refusal:
    """The refusal of a request that would never be taken."""
    return Refusal(413, message)


def too_much(message: str, seconds: int = 1) -> Refusal:
    """The refusal of a request that may come again later."""
    return Refusal(429, message, Retry_After=str(seconds))


class BodyReader:
    """Reads bodies within the limits; knows how many bytes are held by those that are not whole."""

    def __init__(self, limits: Limits) -> None:
        """Start with nothing."""
        self._limits = limits
        self._held = 0

    async def read(self, request: Request) -> bytes:
        """The whole body.

        Raises:
            Refusal: it is too large (413) or too slow (408), or too many come at once (429).
        """
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > self._limits.body_bytes + SPARE_BYTES:
            raise self._too_large()
        seconds = self._limits.body_seconds
        late = Refusal(408, f"the body did not come within {seconds:g} seconds", Connection="close")
        with interruptible() as interrupt:
            timer = asyncio.get_running_loop().call_later(seconds, interrupt, late)
            try:
                return await self._read(request)
            finally:
                timer.cancel()

    async def _read(self, request: Request) -> bytes:
        chunks: list[bytes] = []
        size = held = 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > self._limits.body_bytes + SPARE_BYTES:
                    break
                if size > self._limits.body_bytes:
                    chunks.clear()
                    continue
                chunks.append(chunk)
                held += len(chunk)
                self._held += len(chunk)
                if self._held > self._limits.held_bytes:
                    raise too_much("the server is receiving too much at once; try again")
        finally:
            self._held -= held
        if size > self._limits.body_bytes:
            raise self._too_large()
        return b"".join(chunks)

    def _too_large(self) -> Refusal:
        limit = self._limits.body_bytes
        return Refusal(
            413, f"the body has more than {limit} bytes; send less at once", Connection="close"
        )
