"""What a process takes of the machine while it works: cores, threads and memory, as Linux counts.

A race says how many threads each engine may use; these figures say how many it did. On other
systems than Linux there are none: the maps are empty and the sizes NaN.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from minner.bench.timing import burst

PROCESS = Path("/proc/self")
MACHINE = Path("/proc/stat")

THREAD_CLOCK = 0b110
"""The low bits that Linux gives to the number of a thread's CPU clock (clock_getres(2), and
CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED in the kernel's posix-timers.h)."""

BUSY = 0.1
"""Share of a burst that a thread must have computed to count as one that works. Waking up, or
handing a request to other threads, takes far less."""

SLACK = 0.05
"""Cores that an engine may seem to use beyond its own: clocks are read one after another."""


QUIET = 0.15
"""Cores that all other processes may take during a burst. What /proc/stat counts comes in
hundredths of a second, so a burst of a quarter of a second cannot be told from less."""


class Usage(NamedTuple):
    """What one burst of calls took.

    Attributes:
        seconds: of each call.
        cores: CPU time of the process over the time that passed.
        threads: how many of its threads were busy.
        others: cores that all other processes took meanwhile.
    """

    seconds: list[float]
    cores: float
    threads: int
    others: float = 0.0


def watched_burst(function: Callable[..., Any], *arguments: Any, **limits: Any) -> Usage:
    """Time calls as `burst` does, and watch what this process takes, warm-ups included."""
    threads, machine = thread_seconds(), machine_seconds()
    cpu, wall = time.process_time(), time.perf_counter()
    seconds = burst(function, *arguments, **limits)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    others = max(machine_seconds() - machine - cpu, 0.0)
    spent = [now - threads.get(name, 0.0) for name, now in thread_seconds().items()]
    return Usage(seconds, cpu / wall, sum(one > BUSY * wall for one in spent), others / wall)


def machine_seconds() -> float:
    """CPU seconds of all processes since the machine began, in any mode but idle; proc_stat(5)."""
    first, *_ = [*_read(MACHINE).splitlines(), ""]
    user, nice, system, _, _, irq, soft_irq = ([int(x) for x in first.split()[1:]] + 7 * [0])[:7]
    return (user + nice + system + irq + soft_irq) / os.sysconf("SC_CLK_TCK")


def thread_seconds() -> dict[int, float]:
    """CPU seconds of every thread of this process so far, by the number of the thread."""
    found = {}
    for path in PROCESS.glob("task/*"):
        thread = int(path.name)
        with suppress(OSError):  # it may have ended since
            found[thread] = time.clock_gettime(~thread << 3 | THREAD_CLOCK)
    return found


def memory_mib() -> dict[str, float]:
    """MiB of this process in memory: `resident` now, and its `peak` since it began."""
    lines = _read(PROCESS / "status").splitlines()
    sizes = {name: rest for name, _, rest in (line.partition(":") for line in lines)}
    return {
        name: int(sizes[key].split()[0]) / 1024 if key in sizes else float("nan")
        for name, key in (("resident", "VmRSS"), ("peak", "VmHWM"))
    }


def check_parity(who: str, usage: Usage, threads: int) -> None:
    """Hold an engine to its threads.

    One thread more may be busy in turn with them: the caller's, which computes the tag head where
    the engine does not. Together they may not take more cores.

    Raises:
        SystemExit: it computed on more.
    """
    if usage.threads > threads + 1 or usage.cores > threads + SLACK:
        raise SystemExit(
            f"{who} computed on {usage.threads} threads and {usage.cores:.2f} cores, "
            f"but every engine gets {threads}"
        )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
