"""Limits engines to AVX2, also those that have no setting for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("avx2.c")

QUESTION = """
import llvmlite.binding as llvm
present = [name for name, there in llvm.get_host_cpu_features().items() if there]
print(*(name for name in present if name.startswith(("avx512", "avx10", "avxvnni", "amx"))))
"""


def limit_to_avx2(work: Path) -> None:
    """Have every process that is started from now on find a processor that has AVX2 and no more.

    Needs a C compiler, and a machine with the flag `cpuid_fault` in /proc/cpuinfo.

    Args:
        work: folder for the library that does it.

    Raises:
        SystemExit: this machine does not allow it.
    """
    library = work / "avx2.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    os.environ["LD_PRELOAD"] = str(library)
    done = subprocess.run([sys.executable, "-c", QUESTION], capture_output=True, text=True)
    if done.returncode or done.stdout.strip():
        raise SystemExit(f"cannot limit to AVX2: {done.stderr or done.stdout}")
