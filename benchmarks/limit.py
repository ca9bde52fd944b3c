"""Limits engines to AVX2, also those that have no setting for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

import llvmlite.binding as llvm

from benchmarks.trapping import copy_that_traps
from instruction_sets import INSTRUCTION_SETS
from minner.kernels.vector.target import TARGET

SOURCE = Path(__file__).with_name("avx2.c")

PACKAGES = {
    "minner": (),
    "onnxruntime": ("onnxruntime",),
    "onnxruntime-fused": ("onnxruntime",),
    "openvino": ("openvino",),
    "openvino-bf16": ("openvino",),
}
"""What has to trap in an engine, where CPUID cannot fault. minner has variables instead."""


def limit_to_avx2(work: Path, engines: Collection[str]) -> None:
    """Start this program anew; it and all its processes then find no more than AVX2.

    Needs a C compiler. On a machine without the flag `cpuid_fault` in /proc/cpuinfo only the
    engines of PACKAGES can be limited.

    Args:
        work: folder for what does it.
        engines: that will run.

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
        if not _cpuid_can_fault():
            os.environ.update(_trapping(work / "avx2-packages", engines))
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    if TARGET.lanes > 8:
        raise SystemExit("minner still uses more than AVX2")
    hidden = ("avx512", "avx10", "avxvnni", "amx")
    if left := [name for name in _present() if name.startswith(hidden)]:
        raise SystemExit(f"beyond AVX2 there is still: {', '.join(left)}")


def _cpuid_can_fault() -> bool:
    return "cpuid_fault" in Path("/proc/cpuinfo").read_text(encoding="ascii").split()


def _trapping(folder: Path, engines: Iterable[str]) -> dict[str, str]:
    """The variables under which engines trap, or keep to AVX2."""
    if others := [name for name in engines if name not in PACKAGES]:
        raise SystemExit(f"this machine cannot limit: {', '.join(others)}")
    folder.mkdir(exist_ok=True)
    for package in {package for name in engines for package in PACKAGES[name]}:
        copy_that_traps(package, folder)
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    avx2 = next(one for one in INSTRUCTION_SETS if one.name == "AVX2 and FMA")
    return {"PYTHONPATH": path, **avx2.environment()}


def _present() -> Iterable[str]:
    """The features that engines find: LLVM's own answer, or what the variables tell it."""
    if features := os.environ.get("NUMBA_CPU_FEATURES"):
        return [name[1:] for name in features.split(",") if name.startswith("+")]
    return [name for name, there in llvm.get_host_cpu_features().items() if there]
