"""Many threads, several models and precisions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from engines import PRECISIONS, Known, known_model

from minner.engine import Engine

PROVOKED = "16 Python threads call models of 1 to 4 threads in two precisions, some of them new"
QUICK, LONG = 15, 2_000

CALLS = 40


def prepare(workshop: Path) -> tuple[Known, list[Engine]]:
    """Some models of one checkpoint."""
    known = known_model(workshop)
    return known, [known.engine(n, name) for name in PRECISIONS for n in (1, 2, 4)]


def trial(random: Random, prepared: tuple[Known, list[Engine]]) -> None:
    """Let threads call them, in any order."""
    known, engines = prepared
    engines[random.randrange(len(engines))] = known.engine(
        random.randint(1, 4), random.choice(PRECISIONS)
    )
    chosen = random.choices(engines, k=CALLS)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(known.assert_right, chosen))
