"""Limits engines to AVX2, also those that have no setting for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm

from minner.kernels.vector.target import TARGET

SOURCE = Path(__file__).with_name("avx2.c")


def limit_to_avx2(work: Path) -> None:
    """Start this program anew; it and all its processes then find no more than AVX2.

    Needs a C compiler, and a machine with the flag `cpuid_fault` in /proc/cpuinfo.

    Args:
        work: folder for the library that does it.

    Raises:
        SystemExit: this machine does not allow it.
    """
    library = work / "avx2.so"
    if os.environ.get("LD_PRELOAD") != str(library):
        work.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        os.environ["LD_PRELOAD"] = str(library)
        # minner keeps what LLVM says of the processor that /proc/cpuinfo names, without any limit.
        os.environ["MINNER_CACHE_DIR"] = str(work / "avx2-cache")
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    if TARGET.lanes > 8:
        raise SystemExit("minner still uses more than AVX2")
    hidden = ("avx512", "avx10", "avxvnni", "amx")
    present = [name for name, there in llvm.get_host_cpu_features().items() if there]
    if left := [name for name in present if name.startswith(hidden)]:
        raise SystemExit(f"beyond AVX2 there is still: {', '.join(left)}")
