"""What the processor's vector unit offers: chooses the instructions that kernels use.

The sizes of blocking that follow from it have their names from BLIS: MR, NR and MC here, KC in
`kernels/product.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import NamedTuple

from minner.kernels.codegen import processor
from minner.kernels.codegen.host import host_cpu
from minner.kernels.codegen.shipped import shipped_targets
from minner.kernels.codegen.targets import choose


class Target(NamedTuple):
    """The instruction set that kernels are compiled for.

    Attributes:
        cpu: LLVM's name of the processor.
        features: LLVM's feature string, such as ``+avx2,+fma,-avx512f``.
        lanes: float32 values in one vector register.
        registers: how many vector registers there are.
        fma: whether a multiply-add is one instruction.
        bfloat16_dot: the instruction that multiplies pairs of bfloat16 and adds each pair up, by
            its name in LLVM; "" where there is none, or a slow one.
        int8_dot: the same for groups of four int8.
        int8_pairs: the instruction that multiplies unsigned int8 by signed ones and adds each pair
            up as int16, by its name in LLVM; "" where there is none, or an `int8_dot`.
        amx: whether there are AMX tiles for both, and the system lets us use them.
    """

    cpu: str
    features: str
    lanes: int
    registers: int
    fma: bool
    bfloat16_dot: str = ""
    int8_dot: str = ""
    int8_pairs: str = ""
    amx: bool = False


def host_target() -> Target:
    """Choose what this process compiles for, or loads.

    Where images are shipped it is a target of the table (`codegen/targets.py`), else all that LLVM
    sees in the host. ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` override both, so that one
    machine can test, or compile, the kernels of another.
    """
    cpu, features = _cpu_and_features()
    return target_of(cpu, features, processor.request_amx)


def target_of(cpu: str, features: str, may_use_amx: Callable[[], bool]) -> Target:
    """What a processor offers, by LLVM's name and feature string.

    Args:
        cpu: LLVM's name.
        features: LLVM's feature string.
        may_use_amx: asks the system for AMX tiles; only called where the processor has them.
    """
    present = {name[1:] for name in features.split(",") if name.startswith("+")}
    if {"avx512f", "avx512bw"} <= present:
        return _avx512_target(cpu, features, present, may_use_amx)
    if {"avx2", "fma"} <= present:
        has_dot = "avxvnni" in present
        return Target(
            cpu,
            features,
            lanes=8,
            registers=16,
            fma=True,
            int8_dot="llvm.x86.avx512.vpdpbusd.256" if has_dot else "",
            int8_pairs="" if has_dot else "llvm.x86.avx2.pmadd.ub.sw",
        )
    if "neon" in present:
        return Target(
            cpu,
            features,
            lanes=4,
            registers=32,
            fma=True,
            bfloat16_dot="llvm.aarch64.neon.bfdot.v4f32.v8bf16" if "bf16" in present else "",
            int8_dot="llvm.aarch64.neon.sdot.v4i32.v16i8" if "dotprod" in present else "",
        )
    return Target(cpu, features, lanes=4, registers=16, fma="fma" in present)


def _cpu_and_features() -> tuple[str, str]:
    cpu, features = os.environ.get("NUMBA_CPU_NAME"), os.environ.get("NUMBA_CPU_FEATURES")
    if features is None and cpu is not None:
        # The name of another processor alone means what that processor has at least. We cannot
        # list that, so we count on the baseline only.
        features = ""
    if not cpu or features is None:
        host, host_features = _host()
        cpu, features = cpu or host, host_features if features is None else features
    return cpu, features


def _host() -> tuple[str, str]:
    this = processor.this_processor()
    built = choose(this, shipped_targets())
    if built is None and find_spec("llvmlite") is None:
        built = choose(this)  # the loader will say that there are no kernels
    return host_cpu() if built is None else (built.cpu, built.features)


def _avx512_target(
    cpu: str, features: str, present: set[str], may_use_amx: Callable[[], bool]
) -> Target:
    # A vdpbf16ps takes three cycles on Intel's processors and one on AMD's. On a Xeon with AMX it
    # reached 75 GFLOP/s a core, float32 multiply-adds 248, and AMX tiles 3800.
    has_fast_bfloat16 = "avx512bf16" in present and cpu.startswith("znver")
    has_dot = "avx512vnni" in present
    amx_features = {"amx-tile", "amx-bf16", "amx-int8", "avx512bf16"}
    return Target(
        cpu,
        features,
        lanes=16,
        registers=32,
        fma=True,
        bfloat16_dot="llvm.x86.avx512bf16.dpbf16ps.512" if has_fast_bfloat16 else "",
        int8_dot="llvm.x86.avx512.vpdpbusd.512" if has_dot else "",
        int8_pairs="" if has_dot else "llvm.x86.avx512.pmaddubs.w.512",
        amx=amx_features <= present and may_use_amx(),
    )


TARGET = host_target()

LANES = TARGET.lanes
"""float32 lanes of one vector register."""

CACHE_LINE = 16
"""Dwords in a cache line. A dword is a unit of 32 bits: a float32, two bfloat16 or four int8."""

AMX_TILE = 16
"""Rows of an AMX tile, and the dwords in each of them: a row is as long as a cache line."""

NR = 2 * LANES
"""Columns of a microtile, and of a micropanel of weights: two vector registers."""

MR = 8 if TARGET.registers == 32 else 6
"""Rows of the largest microtile in vector registers. Its 2 MR accumulators hide the latency of two
multiply-add units, and leave registers for the weights and for x."""

ROW_BLOCK = 2 * AMX_TILE if TARGET.amx else 4 * MR
"""Rows of x that one call of the block product takes: two AMX tiles, or four microtiles of MR rows.
Where microtiles have 4 rows (`SHORT_MR` in operand_layout.py) it takes six of them."""

AMX_MC = 512
"""MC where products run on AMX tiles, which are so fast that with fewer rows they would wait for
the weights."""

VECTOR_MC = 16 * MR
"""MC where products run in vector registers."""

MC = AMX_MC if TARGET.amx else VECTOR_MC
"""Rows of x that are multiplied by one micropanel before the next, at most."""

PADDING = 32
"""Every feature dimension is padded to a multiple of this. So micropanels and cache lines are
always full, and no kernel needs code for a remainder of columns."""
