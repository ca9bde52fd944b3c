"""Timing calls on a shared and noisy machine: bursts, and ratios within a round of bursts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

WARM_UPS = 2
"""Untimed calls at the start of a burst: they wake the threads and fill the caches."""

LEAST = 3
"""Timed calls of a burst, however long they take."""


def burst(
    function: Callable[..., Any],
    *arguments: Any,
    seconds: float = 0.25,
    least: int = LEAST,
    warm_ups: int = WARM_UPS,
) -> list[float]:
    """Time repeated calls of a function.

    Args:
        function: what to call.
        arguments: the same for every call.
        seconds: calls go on until this much time has passed.
        least: but there are at least this many.
        warm_ups: calls before the first timed one.

    Returns:
        Seconds of each call.
    """
    for _ in range(warm_ups):
        function(*arguments)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return times


class Spread(NamedTuple):
    """The median of some values, and how far they spread: the 10th and 90th percentile."""

    median: float
    p10: float
    p90: float

    def text(self, digits: int = 2) -> str:
        """Write `1.94 (1.91 to 1.96)`."""
        return f"{self.median:.{digits}f} ({self.p10:.{digits}f} to {self.p90:.{digits}f})"


def spread(values: Sequence[float]) -> Spread:
    """Take the median, and the 10th and 90th percentile."""
    p10, median, p90 = np.percentile(values, [10, 50, 90]).tolist()
    return Spread(median, p10, p90)


def ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Divide round by round: what slowed the whole machine down for one round cancels."""
    return [a / b for a, b in zip(over, under, strict=True)]
