"""How many cores this process may use: often fewer than the machine has, in a container."""

from __future__ import annotations

import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
"""Where Linux shows the control group of a container."""

UNLIMITED = 1 << 20
"""The cores of a control group that sets no limit."""


def available_cores() -> int:
    """Cores that this process may use: its affinity, capped by a container's CPU quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, cgroup_quota()))


def cgroup_quota() -> int:
    """Whole cores that the control group grants.

    Version 2 has one file, `quota period` in microseconds or `max period`; version 1 has a file for
    each, and -1 for no limit. https://docs.kernel.org/scheduler/sched-bwc.html
    """
    version_1 = CGROUPS / "cpu"
    for files in (
        [CGROUPS / "cpu.max"],
        [version_1 / "cpu.cfs_quota_us", version_1 / "cpu.cfs_period_us"],
    ):
        try:
            quota, period = " ".join(file.read_text() for file in files).split()
            if quota == "max" or int(quota) < 0:
                return UNLIMITED
            return int(quota) // int(period)
        except (OSError, ValueError, ZeroDivisionError):
            continue
    return UNLIMITED
