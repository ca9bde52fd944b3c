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
        registers: vector registers there are.
        fma: whether a multiply-add is one instruction.
    """

    cpu: str
    features: str
    lanes: int
    registers: int
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
        return Target(cpu, features, lanes=16, registers=32, fma=True)
    if {"avx2", "fma"} <= present:
        return Target(cpu, features, lanes=8, registers=16, fma=True)
    if "neon" in present:
        return Target(cpu, features, lanes=4, registers=32, fma=True)
    return Target(cpu, features, lanes=4, registers=16, fma="fma" in present)


TARGET = host_target()

LANES = TARGET.lanes
"""float32 lanes of one vector register."""

BLOCK = 2 * LANES
"""Every feature dimension is padded to a multiple of this: one weight panel is two registers."""

ROWS = 8 if TARGET.registers == 32 else 6
"""Rows of the largest tile: its 2 * ROWS accumulators hide the latency of two multiply-add units,
and leave registers for the weights and for x."""

GROUP = 16 * ROWS
"""Rows that one thread multiplies by a panel before it takes the next. Their sums are 8 or 16 KB,
and with K = 3072 their x is 1.2 or 1.5 MB, which stays near while the panels pass by."""

CACHE_LINE = 16
"""float32 values in a cache line of 64 bytes."""
