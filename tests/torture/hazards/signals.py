"""Signals whose handlers raise or call back, at any time."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from engines import RAISED, Known, known_model

from minner import MinnerError

PROVOKED = "a timer, at a random microsecond of load, first call or later calls"
QUICK, LONG = 400, 100_000


@dataclass
class Prepared:
    """What trials share.

    Attributes:
        known: a model.
        seconds: how long load, first call and later call take.
        action: what the handler does now; nothing if None.
    """

    known: Known
    seconds: dict[str, float] = field(default_factory=dict)
    action: Any = None

    def handle(self, *_: object) -> None:
        """Handle a signal."""
        if self.action is not None:
            self.action()


def prepare(workshop: Path) -> Prepared:
    """Take the time of what will be interrupted, and install the handler."""
    prepared = Prepared(known_model(workshop, ("float32",)))
    for _ in range(3):
        began = time.perf_counter()
        model = prepared.known.tagger()
        loaded = time.perf_counter()
        prepared.known.assert_right(model)
        first = time.perf_counter()
        prepared.known.assert_right(model)
        last = time.perf_counter()
        prepared.seconds = {"load": first - began, "first": first - loaded, "later": last - first}
    signal.signal(signal.SIGALRM, prepared.handle)
    return prepared


def trial(random: Random, prepared: Prepared) -> None:
    """Set the timer, work, and look whether the model is as it was."""
    known, when = prepared.known, random.choice(("load", "first", "later"))
    load: Any = random.choice((known.engine, known.tagger))
    model = None if when == "load" else load()
    if model is not None and when == "later":
        known.assert_right(model)
    error = random.choice((None, *RAISED))
    delay = random.uniform(1e-6, 1.2 * prepared.seconds[when])

    def action() -> None:
        prepared.action = None
        if error is not None:
            raise error("by a handler")
        if model is not None:
            with suppress(MinnerError):  # it may be in the middle of a call
                known.ask(model)

    prepared.action = action
    try:
        signal.setitimer(signal.ITIMER_REAL, delay)
        model = model or load()
        known.assert_right(model)
    except RAISED as raised:
        if "by a handler" not in str(raised):
            raise
    finally:
        prepared.action = None
        signal.setitimer(signal.ITIMER_REAL, 0)
    model = model or load()
    for _ in range(3):
        known.assert_right(model)
