"""uvicorn, in one process or in several that share a socket."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

import minner
from minner.errors import MinnerError, MinnerWarning
from minner.kernels.runtime.cores import available_cores
from minner.serve.limits import Limits
from minner.serve.logs import LOGGER, log_config
from minner.serve.metrics import SHARED_DIRECTORY

RESTART_SECONDS = 1.0
"""Between the end of a worker that failed and the start of another."""


@dataclass(frozen=True)
class Settings:
    """What a server is started with.

    Attributes:
        model: as `minner.load` takes it.
        loading: other arguments of `minner.load`.
        host: the address to listen at.
        port: 0 for any that is free.
        workers: processes.
        grace_seconds: between the signal to end and the end of listening.
        log_level: of the log.
        limits: of each process.
    """

    model: str | None = None
    loading: dict[str, Any] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    grace_seconds: float = 0.5
    log_level: str = "INFO"
    limits: Limits = field(default_factory=Limits)


def serve(settings: Settings) -> None:
    """Serve until a signal ends it.

    Raises:
        MinnerError: the model cannot be loaded, or the address cannot be listened at.
    """
    if settings.workers < 1:
        raise MinnerError(f"workers must be at least 1, not {settings.workers}")
    # Loaded here first: a bad model is told of at once, and workers find the caches filled.
    ner = minner.load(settings.model, **settings.loading)
    listener = _listen(settings.host, settings.port)
    if settings.workers == 1:
        run(settings, listener, ner)
        return
    del ner
    with tempfile.TemporaryDirectory(prefix="minner-serve-") as directory:
        os.environ[SHARED_DIRECTORY] = directory
        _supervise(settings, listener)


def run(settings: Settings, listener: socket.socket, ner: Any = None) -> None:
    """Serve in this process."""
    import warnings

    # Here, so that prometheus_client finds in the environment whether metrics are shared.
    from minner.serve.app import App

    loading = dict(settings.loading)
    if ner is None:
        loading["threads"] = loading.get("threads") or max(1, available_cores() // settings.workers)
        ner = minner.load(settings.model, **loading)
    warnings.simplefilter("ignore", MinnerWarning)  # they may quote what users sent
    config = uvicorn.Config(
        App(ner, settings.limits).asgi,
        http=_protocol(settings.limits.header_seconds),
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        log_config=log_config(settings.log_level),
    )
    server = _Server(config, settings.grace_seconds)
    server.run([listener])


class _Server(uvicorn.Server):
    """Goes on for a moment when it is told to end, so that clients learn of it and come no more."""

    def __init__(self, config: uvicorn.Config, grace_seconds: float) -> None:
        super().__init__(config)
        self._grace = grace_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for one in sockets or []:
            host, port = one.getsockname()[:2]
            LOGGER.info("listening", extra={"facts": {"host": host, "port": port}})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app = self.lifespan.state.get("app")
        if app is not None and not self.force_exit:
            app.draining = True
            await asyncio.sleep(self._grace)
        await super().shutdown(sockets)


def _protocol(header_seconds: float) -> type[H11Protocol]:
    """HTTP over connections that are closed where no request comes in time."""

    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            asyncio.get_running_loop().call_later(header_seconds, self._close_if_silent)

        def _close_if_silent(self) -> None:
            if self.cycle is None and not self.transport.is_closing():
                self.transport.close()

    return Protocol


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise MinnerError(f"cannot listen at {host}, port {port}: {reason}") from error
    listener.set_inheritable(True)
    return listener


def _supervise(settings: Settings, listener: socket.socket) -> None:
    """Keep so many workers running until a signal ends them."""
    ending = False

    def end(number: int, _: Any) -> None:
        nonlocal ending
        ending = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    context = multiprocessing.get_context("spawn")

    def start() -> Any:
        worker = context.Process(target=run, args=(settings, listener))
        worker.start()
        return worker

    workers = [start() for _ in range(settings.workers)]
    while not ending:
        time.sleep(0.1)
        for place, worker in enumerate(workers):
            if not worker.is_alive() and not ending:
                time.sleep(RESTART_SECONDS)
                workers[place] = start()
    listener.close()  # or the system would go on taking connections that nobody serves
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join()
