"""What the host's vector unit offers: the one place that looks at CPU features."""

from __future__ import annotations

import os
from dataclasses import dataclass

import llvmlite.binding as llvm


@dataclass(frozen=True)
class Target:
    """The instruction set that kernels are compiled for.

    Attributes:
        cpu: LLVM's name of the processor.
        features: LLVM's feature string, such as ``+avx2,+fma,-avx512f``.
        lanes: float32 values in one vector register.
        fma: whether a multiply-add is one instruction.
    """

    cpu: str
    features: str
    lanes: int
    fma: bool


def host_target() -> Target:
    """Read the target that Numba compiles for.

    ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` override the host, so that one machine can test
    the kernels of another.
    """
    cpu = os.environ.get("NUMBA_CPU_NAME") or llvm.get_host_cpu_name()
    features = os.environ.get("NUMBA_CPU_FEATURES")
    if features is None:
        # A foreign CPU name without features means "whatever that CPU has at least": none that
        # we can list, hence the baseline.
        features = "" if "NUMBA_CPU_NAME" in os.environ else llvm.get_host_cpu_features().flatten()
    present = {name[1:] for name in features.split(",") if name.startswith("+")}
    if "avx512f" in present:
        return Target(cpu, features, lanes=16, fma=True)
    if {"avx2", "fma"} <= present:
        return Target(cpu, features, lanes=8, fma=True)
    return Target(cpu, features, lanes=4, fma="neon" in present or "fma" in present)


TARGET = host_target()

LANES = TARGET.lanes
"""float32 lanes of one vector register."""

BLOCK = 2 * LANES
"""Every feature dimension is padded to a multiple of this: one weight panel is two registers."""

ROWS = 8
"""Rows of the largest tile: its 16 accumulators hide the latency of two multiply-add units."""
