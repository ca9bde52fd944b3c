"""Forks before, between and during calls."""

from __future__ import annotations

import os
import threading
import warnings
from pathlib import Path
from random import Random

from engines import Known, in_child, known_model

PROVOKED = "fork while idle or while another thread calls, children of children, both go on"
QUICK, LONG = 30, 5_000


def prepare(workshop: Path) -> Known:
    """A model."""
    warnings.simplefilter("ignore", DeprecationWarning)
    return known_model(workshop, ("float32",))


def trial(random: Random, known: Known) -> None:
    """Fork at a random moment; parent, child and grandchild answer alike."""
    engine, stop = known.engine(random.randint(1, 3)), threading.Event()
    if random.random() < 0.7:
        known.assert_right(engine)
    deeper = random.random() < 0.3

    def work() -> None:
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        known.assert_right(engine)
        if deeper:
            in_child(lambda: known.assert_right(engine))
        known.assert_right(engine)
        if before:
            assert len(os.listdir("/proc/self/fd")) <= before + engine.threads - 1

    def call() -> None:
        while not stop.is_set():
            known.assert_right(engine)

    callers = [threading.Thread(target=call) for _ in range(random.randint(0, 2))]
    for caller in callers:
        caller.start()
    try:
        assert in_child(work) is None
    finally:
        stop.set()
        for caller in callers:
            caller.join()
    known.assert_right(engine)
