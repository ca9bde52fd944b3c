"""Serve many clients at once: how fast beside `ner.pipe`, and is every answer the right one?

A `minner serve` of its own, on loopback. Each client has a connection and asks for one text at a
time; every answer is compared with what `ner.pipe` gave in this process. The rounds take turns:
some texts through `ner.pipe`, as many through the server. The clients are one thread that takes
some 20 microseconds of the same cores for each request (`benchmarks/clients.py`).

With `--words N`, texts are 1 to N words long instead, most of them short, and what the server holds
in memory is noted on the way.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import minner
from benchmarks.clients import Outcome, ask_all, request_bytes
from benchmarks.machine import describe

MOST_REQUESTS = 1_000_000
WARM_SHARE = 0.1
"""Of the requests, after which memory counts as warm."""
MEMORY_EVERY = 500
"""Answers between two looks at the server's memory."""
MIXED_TEXTS = 2000


def main() -> None:
    """Run the load that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a sentence a line, or CoNLL")
    parser.add_argument("--clients", type=int, default=64, help="connections")
    parser.add_argument("--requests", type=int, default=50_000, help="of all rounds together")
    parser.add_argument("--rounds", type=int, default=10, help="each has its part of the requests")
    parser.add_argument("--words", type=int, help="longest text of mixed lengths")
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


class Load(NamedTuple):
    """Texts, and the requests and answers that they are to make."""

    texts: list[str]
    requests: list[bytes]
    answers: list[bytes]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Let `ner.pipe` and the server take turns."""
    ner = minner.load(precision=options.precision, threads=options.threads)
    load = prepared(ner, options)
    count = options.requests // options.rounds
    pipe_rates, outcomes, memory = [], [], []
    with serving(options) as (process, port):

        def note_memory(answered: int) -> None:
            if answered % MEMORY_EVERY == 0:
                memory.append(resident_megabytes(process.pid))

        ask_all(port, load.requests, load.answers, len(load.texts), options.clients)
        for _ in range(options.rounds):
            pipe_rates.append(pipe_rate(ner, load.texts, count))
            outcomes.append(
                ask_all(port, load.requests, load.answers, count, options.clients, note_memory)
            )
    return {
        "machine": describe(),
        "settings": {name: str(value) for name, value in vars(options).items()},
        **summary(pipe_rates, outcomes),
        **flatness(memory),
    }


def prepared(ner: Any, options: argparse.Namespace) -> Load:
    """What is sent, and what must come back."""
    texts = list(sentences(options.data))
    if options.words:
        texts = list(mixed(texts, options.words))
    answers = [
        json.dumps({"text": text, "entities": [asdict(one) for one in found]}, ensure_ascii=False)
        for text, found in zip(texts, ner.pipe(texts), strict=True)
    ]
    requests = [request_bytes(json.dumps({"text": text}).encode()) for text in texts]
    return Load(texts, requests, [answer.encode() for answer in answers])


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


def mixed(texts: Sequence[str], most: int) -> Iterator[str]:
    """Texts of 1 to `most` words, as many of 1 to 2 as of 2 to 4 or of 100 to 200."""
    words, dice = " ".join(texts).split(), random.Random(1)
    for _ in range(MIXED_TEXTS):
        count = min(most, int(math.exp(dice.uniform(0, math.log(most + 1)))))
        first = dice.randrange(len(words) - count)
        yield " ".join(words[first : first + count])


def pipe_rate(ner: Any, texts: Sequence[str], count: int) -> float:
    """Texts a second of `ner.pipe`."""
    some = list(islice(cycle(texts), count))
    began = time.perf_counter()
    for _ in ner.pipe(some):
        pass
    return len(some) / (time.perf_counter() - began)


@contextmanager
def serving(options: argparse.Namespace) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server, and its port, once it listens."""
    command = [
        *(sys.executable, "-m", "minner", "serve", "--port", "0"),
        *("--precision", options.precision, "--workers", str(options.workers)),
        *("--threads", str(options.threads)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(command, stderr=file, env=os.environ)
        try:
            yield process, listening_port(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def listening_port(process: subprocess.Popen[bytes], log: Path) -> int:
    """Where it listens, as it says in its log."""
    for _ in range(1200):
        found = re.search(r'"port": (\d+)', log.read_text())
        if found:
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"the server did not start:\n{log.read_text()}")


def summary(pipe_rates: Sequence[float], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Medians of the rounds, with the least and the most."""
    rates = [len(one.latencies) / one.seconds for one in outcomes]
    shares = [rate / pipe for rate, pipe in zip(rates, pipe_rates, strict=True)]
    return {
        "pipe_texts_per_second": spread(pipe_rates),
        "served_texts_per_second": spread(rates),
        "share_of_pipe": spread(shares),
        "p50_milliseconds": spread([one.milliseconds(0.5) for one in outcomes]),
        "p99_milliseconds": spread([one.milliseconds(0.99) for one in outcomes]),
        "requests": sum(len(one.latencies) for one in outcomes),
        "wrong": sum(one.wrong for one in outcomes),
        "lost": sum(one.lost for one in outcomes),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """The median, the least and the most."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def flatness(memory: Sequence[float | None]) -> dict[str, Any]:
    """Megabytes of the server: when it was warm, at the end, and the most in between."""
    known = [one for one in memory if one is not None]
    if not known:
        return {}
    warm = known[int(WARM_SHARE * len(known)) :]
    return {"server_megabytes": {"warm": warm[0], "end": warm[-1], "most": max(warm)}}


def resident_megabytes(pid: int) -> float | None:
    """What a process holds in memory; None where the system does not say."""
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        return None
    found = re.search(r"VmRSS:\s+(\d+)", status.read_text())
    return int(found[1]) / 1024 if found else None


if __name__ == "__main__":
    main()
