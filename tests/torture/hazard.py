"""What a hazard is: a small module in `hazards/` that tries one thing again and again.

The first line of its docstring names it, and it has

    PROVOKED = "how, in a few words"
    QUICK, LONG = 200, 100_000          # trials of a pass in CI, and of one by hand

    def prepare(workshop: Path) -> Any  # optional: once for a process; trials get what it returns
    def trial(random, prepared)         # one trial: it returns, or raises MinnerError

Whatever else a trial raises is a failure, and so are a death by a signal, more than SECONDS of CPU
time or MEGABYTES of memory, and no end at all. What cannot be tried here raises `Skipped`.

A fuzzer has, in place of a trial, parts that a coverage-guided one can use as well:

    def seeds(prepared) -> Sequence[bytes]
    def mutate(random, data: bytes) -> bytes
    def check(prepared, data: bytes)    # as a trial
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

MUTATIONS = (0, 1, 1, 1, 2, 4)
"""How many mutations of a seed a trial of a blind fuzzer makes: of many, readers see the first."""


class Skipped(Exception):
    """What a hazard needs is not here; the text says what."""


@dataclass(frozen=True)
class Hazard:
    """One hazard, ready to be tried.

    Attributes:
        name: of its module.
        title: what goes into the table.
        provoked: how.
        quick: trials of a quick pass.
        long: trials of a long pass.
        seconds: of CPU time that a trial may take.
        megabytes: of memory that its process may take.
        prepare: makes in a folder what trials need.
        trial: one trial.
        module: where the parts of a fuzzer are.
    """

    name: str
    title: str
    provoked: str
    quick: int
    long: int
    seconds: float
    megabytes: int
    prepare: Callable[[Path], Any]
    trial: Callable[[Random, Any], object]
    module: ModuleType

    @property
    def is_fuzzer(self) -> bool:
        """Whether it has the parts that a coverage-guided fuzzer needs."""
        return hasattr(self.module, "check")


def names() -> list[str]:
    """The names of all hazards, in order; a module with an underscore before its name is none."""
    found = (module.name for module in pkgutil.iter_modules([str(_folder())]))
    return sorted(name for name in found if not name.startswith("_"))


def load(name: str) -> Hazard:
    """Import a hazard."""
    module = importlib.import_module(f"hazards.{name}")
    title = str(module.__doc__).strip().splitlines()[0].rstrip(".")
    return Hazard(
        name=name,
        title=title,
        provoked=module.PROVOKED,
        quick=module.QUICK,
        long=module.LONG,
        seconds=getattr(module, "SECONDS", 5.0),
        megabytes=getattr(module, "MEGABYTES", 600),
        prepare=getattr(module, "prepare", lambda workshop: workshop),
        trial=module.trial if hasattr(module, "trial") else _blind(module),
        module=module,
    )


def _blind(module: ModuleType) -> Callable[[Random, Any], object]:
    """A trial of a fuzzer: one of its seeds, mutated a few times."""

    def trial(random: Random, prepared: Any) -> object:
        data = random.choice(module.seeds(prepared))
        for _ in range(random.choice(MUTATIONS)):
            data = module.mutate(random, data)
        return module.check(prepared, data)

    return trial


def _folder() -> Path:
    return Path(__file__).parent / "hazards"
