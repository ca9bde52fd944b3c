"""What the host's vector unit offers: the one place that looks at CPU features."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass

from minner.kernels.codegen.host import host_cpu


@dataclass(frozen=True)
class Target:
    """The instruction set that kernels are compiled for.

    Attributes:
        cpu: LLVM's name of the processor.
        features: LLVM's feature string, such as ``+avx2,+fma,-avx512f``.
        lanes: float32 values in one vector register.
        registers: vector registers there are.
        fma: whether a multiply-add is one instruction.
        pair_dot: the instruction that adds products of bfloat16 pairs, where it is fast: its name
            in LLVM, or "".
        quad_dot: the same for products of four int8.
        tiles: whether there are matrix registers (AMX) for both, and the system lets us use them.
    """

    cpu: str
    features: str
    lanes: int
    registers: int
    fma: bool
    pair_dot: str = ""
    quad_dot: str = ""
    tiles: bool = False


def host_target() -> Target:
    """Read the target that Numba compiles for.

    ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` override the host, so that one machine can test
    the kernels of another.
    """
    cpu, features = os.environ.get("NUMBA_CPU_NAME"), os.environ.get("NUMBA_CPU_FEATURES")
    if features is None and cpu is not None:
        # A foreign CPU name without features means "whatever that CPU has at least": none that
        # we can list, hence the baseline.
        features = ""
    if not cpu or features is None:
        host, all_features = host_cpu()
        cpu, features = cpu or host, all_features if features is None else features
    present = {name[1:] for name in features.split(",") if name.startswith("+")}
    if {"avx512f", "avx512bw"} <= present:
        # Intel's vdpbf16ps takes 3 cycles (Xeon with AMX: 75 GFLOP/s a core where float32
        # multiply-adds give 248, and tiles 3800), AMD's one.
        fast = "avx512bf16" in present and cpu.startswith("znver")
        return Target(
            cpu,
            features,
            lanes=16,
            registers=32,
            fma=True,
            pair_dot="llvm.x86.avx512bf16.dpbf16ps.512" if fast else "",
            quad_dot="llvm.x86.avx512.vpdpbusd.512" if "avx512vnni" in present else "",
            tiles={"amx-tile", "amx-bf16", "amx-int8", "avx512bf16"} <= present and _grant_tiles(),
        )
    if {"avx2", "fma"} <= present:
        quads = "llvm.x86.avx512.vpdpbusd.256" if "avxvnni" in present else ""
        return Target(cpu, features, lanes=8, registers=16, fma=True, quad_dot=quads)
    if "neon" in present:
        pairs = "llvm.aarch64.neon.bfdot.v4f32.v8bf16" if "bf16" in present else ""
        quads = "llvm.aarch64.neon.sdot.v4i32.v16i8" if "dotprod" in present else ""
        return Target(cpu, features, 4, 32, fma=True, pair_dot=pairs, quad_dot=quads)
    return Target(cpu, features, lanes=4, registers=16, fma="fma" in present)


def _grant_tiles() -> bool:
    """Ask Linux for the 8 KB of state that AMX tiles take; without that their first use is fatal.

    Granted to the whole process, its later threads, and what it forks: `arch_prctl` with
    `ARCH_REQ_XCOMP_PERM` and the number of the tiles' data among the processor's states, 18.
    """
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return False
    arch_prctl, request_permission, tile_data = 158, 0x1023, 18
    granted: int = ctypes.CDLL(None).syscall(arch_prctl, request_permission, tile_data)
    return granted == 0


TARGET = host_target()

LANES = TARGET.lanes
"""float32 lanes of one vector register."""

BLOCK = 2 * LANES
"""Columns of a weight panel: two registers."""

TILE = 16
"""32-bit words of a row that lie together: a cache line, and a row of a matrix register. Matrix
registers have as many rows, too."""

PADDING = 32
"""Every feature dimension is padded to a multiple of this: panels and lines are always whole."""

ROWS = 8 if TARGET.registers == 32 else 6
"""Rows of the largest tile of vector registers: its 2 * ROWS accumulators hide the latency of two
multiply-add units, and leave registers for the weights and for x."""

GROUP_ROWS = 512 if TARGET.tiles else 16 * ROWS
"""Rows that a thread multiplies by a panel before it takes the next, at most (see precision.py)."""

QUERIES = 2 * TILE if TARGET.tiles else 4 * ROWS
"""Rows of a product that are finished before the next: two matrix registers, or four tiles."""
