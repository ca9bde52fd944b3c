"""Exceptions at any line of load, first call and later calls.

As a signal handler that raises would, a tracer does, at the n-th line of the files below. It skips
the leaving of a `with`, where the interpreter takes no signals before the lock is released.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from engines import RAISED, Known, known_model

from minner.engine import Engine

PROVOKED = "a tracer raises at the n-th line of the engine, the thread team, the cache"
QUICK, LONG = 250, 100_000

FILES = (
    *("threads.py", "helpers.py", "team_state.py", "engine.py", "cache.py", "digests.py"),
    *("packed.py", "loader.py", "stage_timings.py"),
)

LINES = {"load": 700, "first": 150, "later": 60}
"""About how many lines each of them takes."""


def prepare(workshop: Path) -> Known:
    """A model whose weights are in the cache."""
    return known_model(workshop, ("float32",))


def trial(random: Random, known: Known) -> None:
    """Interrupt once, at a line; then all is as if nothing had been."""
    when, error = random.choice(tuple(LINES)), random.choice(RAISED)
    line, threads = random.randint(1, LINES[when]), random.randint(1, 3)
    engine: Engine | None = None if when == "load" else known.engine(threads)
    if engine is not None and when == "later":
        known.assert_right(engine)
    with raising_at(line, error):
        engine = engine or known.engine(threads)
        engine.logits(known.ids)
    engine = engine or known.engine(threads)
    for _ in range(3):
        known.assert_right(engine)


@contextmanager
def raising_at(number: int, error: type[BaseException]) -> Iterator[None]:
    """Raise at that line of FILES, inside a `with`, which swallows it."""
    left, entered = number, set()

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal left
        name = frame.f_code.co_filename
        if not name.endswith(FILES) or "minner" not in frame.f_globals.get("__name__", ""):
            return None
        if event == "line":
            place = id(frame), frame.f_lineno
            is_with = linecache.getline(name, frame.f_lineno).lstrip().startswith("with ")
            if is_with and place in entered:
                return trace
            entered.add(place)
            left -= 1
            if left == 0:
                raise error("by a handler")
        return trace

    sys.settrace(trace)
    try:
        yield
    except error as raised:
        if "by a handler" not in str(raised):
            raise
    finally:
        sys.settrace(None)
