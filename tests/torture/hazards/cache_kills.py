"""Processes that are killed while they fill the cache."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from random import Random

from engines import Known, known_model, wait_for

from minner.cache import keep_checked
from minner.weights import digests

PROVOKED = "SIGKILL at a random moment of packing and writing, beside others that fill the cache"
QUICK, LONG = 60, 10_000


def prepare(workshop: Path) -> Known:
    """A model, and an empty cache."""
    known = known_model(workshop)
    os.environ["MINNER_CACHE_DIR"] = str(workshop / "cache")
    digests.SETTLING = -1.0
    return known


def trial(random: Random, known: Known) -> None:
    """Kill one of some processes that fill a cache; what comes after is right, and clears up."""
    cache = Path(os.environ["MINNER_CACHE_DIR"])
    shutil.rmtree(cache, ignore_errors=True)
    precision = random.choice(tuple(known.logits))
    children = []
    for _ in range(random.randint(1, 3)):
        child = os.fork()
        if child == 0:
            known.engine(1, precision)
            os._exit(0)
        children.append(child)
    time.sleep(random.uniform(0, 0.02))
    os.kill(children[0], signal.SIGKILL)
    for number, child in enumerate(children):
        ended_by = wait_for(child)
        assert ended_by is None or number == 0
    known.assert_right(known.engine(2, precision))
    assert keep_checked(cache / f"processor-{'0' * 32}.bin", "a test", b"")
    left = [path.name for path in cache.iterdir() if not path.name.endswith(".bin")]
    assert not left, left
