"""uvicorn, in one process or in several that share a socket."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from time import perf_counter
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

import minner
from minner.errors import MinnerError, MinnerWarning
from minner.kernels.runtime.cores import available_cores
from minner.serve.limits import Limits
from minner.serve.logs import LOGGER, log_config
from minner.serve.metrics import SHARED_DIRECTORY
from minner.serve.protocol import protocol

if TYPE_CHECKING:
    from minner.serve.app import App

RESTART_SECONDS = 1.0
"""Between the end of a worker that failed and the start of another."""

FIRST_REQUEST_SECONDS = 0.5
"""That a new connection has for its first request when the process is about to end."""

WORKERS_PER_CORE = 4
"""At most. More would wait for each other, and each takes some 50 MB."""

SWITCH_SECONDS = 0.0005
"""After which the thread that computes, back from native code, gets the interpreter from the event
loop. Python's 0.005 let all cores wait that long."""


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
        log_requests: whether the log has a line for each.
        limits: of each process.
    """

    model: str | None = None
    loading: dict[str, Any] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    grace_seconds: float = 0.5
    log_requests: bool = True
    limits: Limits = field(default_factory=Limits)


def serve(settings: Settings) -> None:
    """Serve until a signal ends it.

    Raises:
        MinnerError: there are no workers or too many, the model cannot be loaded, or the address
            cannot be listened at.
    """
    most = WORKERS_PER_CORE * available_cores()
    if not 1 <= settings.workers <= most:
        raise MinnerError(
            f"workers must be from 1 to {most} on these cores, not {settings.workers}"
        )
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
    # Here, so that prometheus_client finds in the environment whether metrics are shared.
    from minner.serve.app import App

    loading = dict(settings.loading)
    if ner is None:
        loading["threads"] = loading.get("threads") or max(1, available_cores() // settings.workers)
        ner = minner.load(settings.model, **loading)
    _ = ner.vocabulary  # loads the whole of it now, not in the first request that needs it
    warnings.simplefilter("ignore", MinnerWarning)  # they may quote what users sent
    sys.setswitchinterval(SWITCH_SECONDS)
    app = App(ner, settings.limits)
    config = uvicorn.Config(
        app,
        http=protocol(settings.limits.header_seconds),
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        log_config=log_config(requests=settings.log_requests),
    )
    _Server(config, app, settings.grace_seconds).run([listener])


class _Server(uvicorn.Server):
    """Goes on for a moment when it is told to end, so that clients learn of it and come no more."""

    def __init__(self, config: uvicorn.Config, app: App, grace_seconds: float) -> None:
        super().__init__(config)
        self._app, self._grace = app, grace_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for one in sockets or []:
            host, port = one.getsockname()[:2]
            LOGGER.info("listening", extra={"facts": {"host": host, "port": port}})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if not self.force_exit:
            self._app.draining = True
            await asyncio.sleep(self._grace)
            await self._accept_waiting(sockets or [])
            for server in self.servers:
                server.close()
            await self._let_new_ones_ask()
        await super().shutdown(sockets)

    async def _accept_waiting(self, listeners: Sequence[socket.socket]) -> None:
        """Let the event loop accept what the system did: closing would reset those connections."""
        with DefaultSelector() as selector:
            for listener in listeners:
                selector.register(listener, EVENT_READ)
            while selector.select(0):
                await asyncio.sleep(0)

    async def _let_new_ones_ask(self) -> None:
        """Wait for the first request of each connection; it is under way in most cases."""
        end = perf_counter() + FIRST_REQUEST_SECONDS
        while perf_counter() < end and any(
            isinstance(one, HttpToolsProtocol) and one.cycle is None
            for one in self.server_state.connections
        ):
            await asyncio.sleep(0.01)


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
