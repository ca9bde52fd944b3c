"""Runs the trials of a hazard in processes of their own, and outlives them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from math import inf
from pathlib import Path

from hazard import Hazard
from worker import MOST_FAILURES, Outcome

HANGS = 120.0
"""Seconds after which a trial that has not ended is taken to hang; CPU time has its own bound."""

START = 240.0
"""Seconds that the first trial may take: kernels may have to be compiled."""


def run(
    hazard: Hazard,
    seed: str,
    count: int,
    whole: Outcome | None = None,
    seconds: float = inf,
    hangs: float = HANGS,
) -> Outcome:
    """Try a hazard until it has been tried `count` times: after a death or a hang in a new process.

    Args:
        hazard: what is tried.
        seed: of its random numbers.
        count: trials in all.
        whole: what came of the first of them, where it is known already.
        seconds: after which no further trial begins.
        hangs: seconds after which a trial without an end is given up.
    """
    whole, end = whole or Outcome(), time.monotonic() + seconds
    while not is_over(whole, count) and (left := end - time.monotonic()) > 0:
        numbers = whole.tried, count - whole.tried
        with tempfile.TemporaryDirectory(prefix="torture-") as workshop:
            part, stopped = _run_worker(hazard, seed, numbers, Path(workshop), left, hangs)
        whole = add(whole, part)
        if stopped is not None:
            whole.failures.append(stopped)
            whole.tried = stopped[0] + 1
    return whole


def is_over(outcome: Outcome, count: int) -> bool:
    """Whether there is nothing left to try."""
    enough = outcome.tried >= count or len(outcome.failures) >= MOST_FAILURES
    return enough or outcome.skipped is not None


def _run_worker(
    hazard: Hazard,
    seed: str,
    numbers: tuple[int, int],
    workshop: Path,
    seconds: float,
    hangs: float,
) -> tuple[Outcome, tuple[int, str] | None]:
    """What a worker has done; and the trial at which it died or hung, with the story of it."""
    first, count = numbers
    command = [sys.executable, str(Path(__file__).with_name("worker.py"))]
    arguments = [hazard.name, seed, str(first), str(count), str(workshop), str(seconds)]
    with (workshop / "stderr").open("wb") as stderr:
        worker = subprocess.Popen([*command, *arguments], stdout=stderr, stderr=stderr)
        hung = _wait(worker, workshop, hangs)
    outcome = Outcome()
    if (workshop / "outcome.json").exists():
        outcome = Outcome(**json.loads((workshop / "outcome.json").read_text()))
    if worker.returncode == 0:
        return outcome, None
    words = (workshop / "stderr").read_bytes().decode(errors="replace")[-2000:]
    how = "hung" if hung else _death(worker.returncode)
    number = _progress(workshop)
    return outcome, (first if number is None else number, f"{how}\n{words}")


def _wait(worker: subprocess.Popen[bytes], workshop: Path, hangs: float) -> bool:
    """Wait for a worker, and kill it if it hangs; says whether it did."""
    last, since = None, time.monotonic()
    while worker.poll() is None:
        time.sleep(0.1)
        now, number = time.monotonic(), _progress(workshop)
        if number != last:
            last, since = number, now
        if now - since > (hangs if last else START):
            worker.kill()
            worker.wait()
            return True
    return False


def _progress(workshop: Path) -> int | None:
    try:
        content = (workshop / "progress").read_bytes()
    except FileNotFoundError:
        return None
    return int.from_bytes(content, "little") if content else None


def _death(status: int) -> str:
    return f"died of {signal.Signals(-status).name}" if status < 0 else f"exited with {status}"


def add(one: Outcome, other: Outcome) -> Outcome:
    """What came of some trials and of those after them."""
    return Outcome(
        tried=one.tried + other.tried,
        answered=one.answered + other.answered,
        refused=one.refused + other.refused,
        failures=[*one.failures, *map(tuple, other.failures)],
        slowest=max(one.slowest, other.slowest),
        megabytes=max(one.megabytes, other.megabytes),
        skipped=other.skipped,
    )
