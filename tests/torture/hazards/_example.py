"""A hazard that does harm: what `tests/test_torture.py` wants to see noticed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from random import Random

from minner import MinnerError

PROVOKED = "as the environment says"
QUICK, LONG = 6, 6
SECONDS, MEGABYTES = 0.8, 300


def trial(random: Random, workshop: Path) -> None:
    """The third trial does it."""
    count = workshop / "count"
    number = int(count.read_text()) if count.exists() else 0
    count.write_text(str(number + 1))
    if number % 2:
        raise MinnerError("refused")
    if number == 2:
        _harm(os.environ.get("TORTURE_EXAMPLE"))


def _harm(how: str | None) -> None:
    if how == "wrong":
        raise AssertionError("a wrong answer")
    if how == "signal":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "exit":
        os._exit(3)
    if how == "hang":
        time.sleep(600)
    if how == "time":
        end = time.process_time() + 1
        while time.process_time() < end:
            pass
    if how == "memory":
        bytearray(400 << 20)[::4096] = bytes(400 << 8)
