"""The instruction sets that one machine can stand in for.

Each is a target that images are shipped for, but one. Numba, LLVM and minner take the target from
two environment variables, so a process started with them compiles and runs what it would on a
lesser machine:

env $(python tests/instruction_sets.py "AVX2 and FMA") minner bench
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import llvmlite.binding as llvm

from minner.kernels.codegen.targets import BuiltTarget, target_named


class InstructionSet(NamedTuple):
    """A kind of processor: what people call it, and the target that stands for it."""

    name: str
    target: BuiltTarget

    def environment(self) -> dict[str, str]:
        """The variables under which a process of this machine keeps to the set."""
        return self.target.environment


# The features of Zen 4, but BF16 is slow on Intel's processors and fast on AMD's (`target.py`).
_SLOW_BF16 = target_named("zen4")._replace(name="", cpu="x86-64-v4", vendor="", lacks=())

INSTRUCTION_SETS = (
    InstructionSet("AMX", target_named("amx")),
    InstructionSet("AVX-512 with VNNI and BF16", _SLOW_BF16),
    InstructionSet("Zen 4", target_named("zen4")),
    InstructionSet("AVX-512 with VNNI", target_named("avx512-vnni")),
    InstructionSet("AVX-512", target_named("avx512")),
    InstructionSet("AVX-VNNI", target_named("avx2-vnni")),
    InstructionSet("AVX2 and FMA", target_named("avx2")),
    InstructionSet("x86-64", target_named("x86-64")),
    InstructionSet("NEON with BF16", target_named("neon-bf16")),
    InstructionSet("NEON with dot product", target_named("neon-dotprod")),
    InstructionSet("NEON", target_named("neon")),
)


def host_sets() -> list[InstructionSet]:
    """The sets that this machine can stand in for, the fullest first."""
    features, machine = llvm.get_host_cpu_features(), llvm.get_process_triple().partition("-")[0]
    return [
        one
        for one in INSTRUCTION_SETS
        if one.target.machine == machine and all(map(features.get, one.target.needs))
    ]


if __name__ == "__main__":
    for one in host_sets():
        if one.name in sys.argv[1:]:
            print(*(f"{name}={value}" for name, value in one.environment().items()))
