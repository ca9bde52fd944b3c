"""Trials of one hazard, one after the other in a process of their own.

    python tests/torture/worker.py HAZARD SEED FIRST COUNT WORKSHOP SECONDS

The number of the trial in progress stands in the file `progress`, for whoever finds this process
dead or hung; what came of all of them is left in `outcome.json`.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import sys
import time
import traceback
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]
sys.path[1:1] = [str(ROOT / "tests")]
sys.path.append(str(ROOT))  # behind an installed minner

from hazard import Hazard, Skipped, load  # noqa: E402

from minner import MinnerError  # noqa: E402

MOST_FAILURES = 5


@dataclass
class Outcome:
    """What came of some trials.

    Attributes:
        tried: all of them.
        answered: trials that returned.
        refused: trials that ended in a MinnerError.
        failures: number and story of every other.
        slowest: CPU seconds of the slowest trial.
        megabytes: most memory of the process.
        skipped: why nothing was tried, if so.
    """

    tried: int = 0
    answered: int = 0
    refused: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list)
    slowest: float = 0.0
    megabytes: int = 0
    skipped: str | None = None


def main(name: str, seed: str, first: str, count: str, workshop: str, seconds: str) -> None:
    """Try, and leave the outcome in the workshop; it is kept up to date for the case of death."""
    end = time.monotonic() + float(seconds)
    faulthandler.enable()
    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.simplefilter("ignore")
    folder = Path(workshop)
    hazard = load(name)
    outcome = Outcome()
    progress = os.open(folder / "progress", os.O_WRONLY | os.O_CREAT)
    try:
        prepared = hazard.prepare(folder)
    except Skipped as reason:
        outcome.skipped = str(reason)
        count = "0"
    last_saved = time.monotonic()
    for number in range(int(first), int(first) + int(count)):
        os.pwrite(progress, number.to_bytes(8, "little"), 0)
        _try(hazard, prepared, seed, number, outcome)
        if len(outcome.failures) >= MOST_FAILURES or time.monotonic() > end:
            break
        if time.monotonic() > last_saved + 1:
            _save(folder, outcome)
            last_saved = time.monotonic()
    _save(folder, outcome)


def _try(hazard: Hazard, prepared: object, seed: str, number: int, outcome: Outcome) -> None:
    start = time.process_time()
    outcome.tried += 1
    try:
        hazard.trial(Random(f"{seed}/{hazard.name}/{number}"), prepared)
        outcome.answered += 1
    except MinnerError:
        outcome.refused += 1
    except BaseException as error:
        if type(error) is KeyboardInterrupt:
            raise
        outcome.failures.append((number, "".join(traceback.format_exception(error))[-2000:]))
    seconds = time.process_time() - start
    outcome.slowest = max(outcome.slowest, seconds)
    if seconds > hazard.seconds:
        outcome.failures.append((number, f"took {seconds:.1f} s of CPU time"))
    before, outcome.megabytes = outcome.megabytes, peak_megabytes()
    if outcome.megabytes > max(before, hazard.megabytes):
        outcome.failures.append((number, f"took {outcome.megabytes} MB"))


def peak_megabytes() -> int:
    """The most memory this process has had so far."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) >> 10
    except (OSError, ValueError, IndexError):  # no Linux, or no /proc
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak >> (20 if sys.platform == "darwin" else 10)


def _save(folder: Path, outcome: Outcome) -> None:
    written = folder / "outcome.new"
    written.write_text(json.dumps(asdict(outcome)))
    written.replace(folder / "outcome.json")


if __name__ == "__main__":
    main(*sys.argv[1:])
