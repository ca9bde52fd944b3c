"""The processor of this machine, as LLVM names it. LLVM is asked once, and its answer kept."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from minner.kernels.cache import cache_directory, keep, version_of

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux describes the processors: lines of `key : value`, an empty line after each."""

IDENTITY = ("vendor_id", "cpu family", "model", "model name", "stepping", "cpuid level", "flags")
"""What tells two x86 processors apart, as far as the system lets programs use them."""


def host_cpu() -> tuple[str, str]:
    """LLVM's name of the processor, and its feature string, such as ``+avx2,+fma,-avx512f``.

    The file that keeps them is named by the processor, since machines may share a home directory.
    """
    identity = _identity()
    if identity is None:
        return _ask_llvm()
    digest = hashlib.sha256(version_of("llvmlite") + identity).hexdigest()[:32]
    path = cache_directory() / f"cpu-{digest}.json"
    try:
        known = json.loads(path.read_bytes())
        return str(known["cpu"]), str(known["features"])
    except (OSError, ValueError, KeyError, TypeError):
        cpu, features = _ask_llvm()
        keep(path, [json.dumps({"cpu": cpu, "features": features}).encode()])
        return cpu, features


def _identity() -> bytes | None:
    """The lines about the first x86 processor; None where there are none."""
    lines = []
    try:
        with CPUINFO.open("rb") as file:
            for line in file:
                if not line.strip():
                    break
                if line.partition(b":")[0].strip().decode("ascii", "replace") in IDENTITY:
                    lines.append(line)
    except OSError:
        return None
    return b"".join(lines) if len(lines) == len(IDENTITY) else None


def _ask_llvm() -> tuple[str, str]:
    import llvmlite.binding as llvm

    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
