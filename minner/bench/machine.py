"""What a measurement was made on: without it, no figure means anything."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from minner.kernels.runtime.cores import available_cores
from minner.kernels.vector.target import TARGET

FLAGS = (
    *("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx_vnni"),
    *("amx_tile", "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve"),
)
"""Instruction sets that decide about speed, by Linux's names."""

PACKAGES = ("minner", "numpy", "numba", "llvmlite", "tokenizers")


def describe(packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Describe the machine and the software, as they are now.

    Args:
        packages: whose versions to tell; those that are not installed are left out.

    Returns:
        JSON-ready values: `cpu` as the system names it, `target` as LLVM does, `lanes` of float32
        in a vector, `cores` this process may use, `flags`, `caches` of one core by level,
        `memory_gib`, `virtual`, `system`, `kernel`, `python`, `packages`, `date` and
        `load_average` of the last minute.
    """
    cpuinfo = _read(Path("/proc/cpuinfo"))
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    flags = re.search(r"(?:flags|Features)\s*: (.*)", cpuinfo)
    return {
        "cpu": model[1] if model else platform.processor() or platform.machine(),
        "target": TARGET.cpu,
        "lanes": TARGET.lanes,
        "cores": available_cores(),
        "flags": [flag for flag in FLAGS if flags and flag in flags[1].split()],
        "caches": _caches(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "virtual": "hypervisor" in cpuinfo,
        "system": platform.system(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: found for name in packages if (found := _version(name))},
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "load_average": round(os.getloadavg()[0], 2),
    }


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _caches() -> dict[str, str]:
    """Size of each cache that core 0 sees, by level."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if _read(index / "type") != "Instruction":
            found[f"L{_read(index / 'level')}"] = _read(index / "size")
    return found


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
