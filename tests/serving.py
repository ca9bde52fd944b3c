"""How tests ask a server that runs in their own process, and one that does not."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from minner.serve.app import App
from minner.serve.limits import Limits
from minner.tagger import Tagger

ROOT = Path(__file__).parents[1]


def with_client(ner: Tagger, body: Callable[[Any, App], Awaitable[None]], **limits: Any) -> None:
    """Run a coroutine with a client of an application that works."""

    async def main() -> None:
        app = App(ner, Limits(**limits))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
        async with app.running(), client:
            await body(client, app)

    asyncio.run(main())


class Server(NamedTuple):
    """A `minner serve` that runs."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def events(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def end(self) -> None:
        """Tell it to end, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) in (0, -signal.SIGTERM)


COMMAND = ("-m", "minner", "serve", "--port", "0", "--threads", "1")


def with_settings(settings: str) -> tuple[str, ...]:
    """A command that serves the model that its last option names, with other settings than usual.

    Args:
        settings: of `Settings`, as Python has them: `grace_seconds=0`.
    """
    program = (
        "import sys; from minner.serve.limits import Limits; "
        "from minner.serve.server import Settings, serve; "
        f"serve(Settings(model=sys.argv[-1], port=0, {settings}))"
    )
    return "-c", program


@contextmanager
def server(log: Path, *options: str, command: tuple[str, ...] = COMMAND) -> Iterator[Server]:
    """Start a server of its own, with a log in a file; it is killed if it is still there."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = (sys.executable, *command, *options)
    with log.open("wb") as file:
        process = subprocess.Popen(command, stderr=file, env=environment)
    try:
        yield Server(process, _port(process, log), log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    for _ in range(600):
        found = re.search(r'"port": (\d+)', log.read_text())
        if found:
            return int(found[1])
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())
