"""HTTP/1.1 by httptools, with the bounds that it lacks: of time, and of what it holds."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HELD_BYTES = 64 << 10
"""Of a request's head, or of what follows its body, that are not complete."""


def protocol(header_seconds: float) -> type[HttpToolsProtocol]:
    """Uvicorn's protocol, for connections that are closed where a request's head comes too slowly.

    Args:
        header_seconds: from the beginning of a connection, or of a later request, to the end of
            the request's head.
    """

    class Protocol(HttpToolsProtocol):
        _held = 0
        _in_head = True
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._await_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            self._held += len(data)
            super().data_received(data)
            if self.transport.is_closing():
                return
            if self._held > MOST_HELD_BYTES:
                self.send_400_response("The head of the request is too large.")
            elif self._in_head and self._timer is None:
                self._await_head()

        def on_message_begin(self) -> None:
            self._in_head = True
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._in_head, self._held = False, 0
            self._stop_timer()
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self._held = 0
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._held = 0
            super().on_message_complete()

        def _await_head(self) -> None:
            self._timer = self.loop.call_later(header_seconds, self.transport.close)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Protocol
