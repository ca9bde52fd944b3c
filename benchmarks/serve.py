"""Serve many clients at once: how fast beside `ner.pipe`, and is every answer the right one?

A `minner serve` of its own, on loopback. Each client has a connection and asks for one sentence at
a time. Every answer is compared with what `ner.pipe` gave in this process, which is timed before
and after. Clients run in one process, so they share the cores with the server, as a neighbour
would.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import minner
from benchmarks.machine import describe

MOST_REQUESTS = 1_000_000
PIPE_TEXTS = 2000
"""Texts that `ner.pipe` is timed with, before and after."""


def main() -> None:
    """Run the load that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a sentence a line, or CoNLL")
    parser.add_argument("--clients", type=int, default=64, help="connections")
    parser.add_argument("--requests", type=int, default=50_000, help="of all clients together")
    parser.add_argument("--precision", default="float32", help="of the model")
    parser.add_argument("--threads", type=int, default=2, help="of the model")
    parser.add_argument("--workers", type=int, default=1, help="processes of the server")
    parser.add_argument("--output", type=Path, help="where the JSON goes; stdout where left out")
    options = parser.parse_args()
    if not 0 < options.clients <= 1024 or not 0 < options.requests <= MOST_REQUESTS:
        parser.error(f"1 to 1024 clients and 1 to {MOST_REQUESTS} requests")
    found = measure(options)
    text = json.dumps(found, indent=1) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    sys.exit(1 if found["wrong"] or found["lost"] else 0)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Time `ner.pipe`, then the server, then `ner.pipe` again."""
    texts = list(sentences(options.data))
    ner = minner.load(precision=options.precision, threads=options.threads)
    answers = [
        json.dumps({"text": text, "entities": [asdict(one) for one in found]}, ensure_ascii=False)
        for text, found in zip(texts, ner.pipe(texts), strict=True)
    ]
    before = pipe_rate(ner, texts)
    with tempfile.TemporaryDirectory() as folder:
        process, port = start(Path(folder) / "log", options)
        try:
            load = asyncio.run(ask_all(port, texts, [a.encode() for a in answers], options))
            memory = resident_megabytes(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    after = pipe_rate(ner, texts)
    rate = load["requests"] / load["seconds"]
    return {
        "machine": describe(),
        "settings": {name: str(value) for name, value in vars(options).items()},
        "pipe_texts_per_second": [before, after],
        "served_texts_per_second": rate,
        "share_of_pipe": rate / statistics.mean((before, after)),
        "server_megabytes": memory,
        **load,
    }


def sentences(path: Path) -> Iterator[str]:
    """The sentences of a file: lines, or the first columns of CoNLL's blocks."""
    text = path.read_text(encoding="utf-8")
    if not text.startswith("-DOCSTART-"):
        yield from filter(None, text.splitlines())
        return
    for block in text.split("\n\n"):
        words = [line.split(" ")[0] for line in block.strip().splitlines()]
        if words and words[0] != "-DOCSTART-":
            yield " ".join(words)


def pipe_rate(ner: Any, texts: Sequence[str]) -> float:
    """Texts a second of `ner.pipe`."""
    some = list(islice(cycle(texts), PIPE_TEXTS))
    began = time.perf_counter()
    for _ in ner.pipe(some):
        pass
    return len(some) / (time.perf_counter() - began)


def start(log: Path, options: argparse.Namespace) -> tuple[subprocess.Popen[bytes], int]:
    """A server, and its port, once it listens."""
    command = [
        *(sys.executable, "-m", "minner", "serve", "--port", "0"),
        *("--precision", options.precision, "--workers", str(options.workers)),
        *("--threads", str(options.threads)),
    ]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stderr=file, env=os.environ)
    for _ in range(1200):
        found = re.search(r'"port": (\d+)', log.read_text())
        if found:
            return process, int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    raise SystemExit(f"the server did not start:\n{log.read_text()}")


async def ask_all(
    port: int, texts: Sequence[str], answers: Sequence[bytes], options: argparse.Namespace
) -> dict[str, Any]:
    """Let all clients ask at once until all requests are made."""
    numbers = iter(range(options.requests))
    seconds: list[float] = []
    wrong: list[int] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            place = number % len(texts)
            body = json.dumps({"text": texts[place]}).encode()
            head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            began = time.perf_counter()
            writer.write(head.encode() + body)
            status, answer = await read_answer(reader)
            seconds.append(time.perf_counter() - began)
            if status != 200 or answer != answers[place]:
                wrong.append(number)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(options.clients)))
    lasted = time.perf_counter() - began
    ordered = sorted(seconds)
    return {
        "requests": len(seconds),
        "wrong": len(wrong),
        "lost": options.requests - len(seconds),
        "seconds": lasted,
        "p50_milliseconds": 1e3 * ordered[len(ordered) // 2],
        "p99_milliseconds": 1e3 * ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
    }


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The status and the body of one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    assert length is not None, head
    return int(head.split(b" ", 2)[1]), await reader.readexactly(int(length[1]))


def resident_megabytes(pid: int) -> float | None:
    """What a process holds in memory; None where the system does not say."""
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        return None
    found = re.search(r"VmRSS:\s+(\d+)", status.read_text())
    return int(found[1]) / 1024 if found else None


if __name__ == "__main__":
    main()
