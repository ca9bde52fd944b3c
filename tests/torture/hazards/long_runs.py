"""Long runs: memory, threads and descriptors stay what they are."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from engines import PRECISIONS, Known, known_model

PROVOKED = "models loaded, called and dropped; compared with what there was after the first trials"
QUICK, LONG = 120, 100_000

SETTLED = 40
"""Trials until nothing grows any more."""

ROOM = 24 << 10
"""Kilobytes of memory that a process may take more than then."""


@dataclass
class Prepared:
    """What trials share.

    Attributes:
        known: a model.
        trials: how many there have been.
        before: threads, descriptors and kilobytes when they had settled.
    """

    known: Known
    trials: int = 0
    before: tuple[int, ...] = field(default_factory=tuple)


def prepare(workshop: Path) -> Prepared:
    """A model."""
    return Prepared(known_model(workshop))


def trial(random: Random, prepared: Prepared) -> None:
    """Load, call, drop; look what is left."""
    engine = prepared.known.engine(random.randint(1, 4), random.choice(PRECISIONS))
    for _ in range(random.randint(0, 5)):
        prepared.known.assert_right(engine)
    del engine
    gc.collect()
    prepared.trials += 1
    if not os.path.isdir("/proc/self/task") or prepared.trials < SETTLED:
        return
    prepared.before = prepared.before or _used()
    deadline = time.monotonic() + 20
    while True:  # helpers end when they are next scheduled
        now = _used()
        fits = [a <= b for a, b in zip(now[:2], prepared.before, strict=False)]
        if all(fits) and now[2] <= prepared.before[2] + ROOM:
            return
        assert time.monotonic() < deadline, (prepared.before, now)
        time.sleep(0.01)


def _used() -> tuple[int, int, int]:
    status = Path("/proc/self/status").read_text()
    memory = int(status.partition("VmRSS:")[2].split()[0])
    return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")), memory
