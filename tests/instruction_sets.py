"""The instruction sets that one machine can stand in for, by hiding features of its own.

Numba, LLVM and minner take the processor from two environment variables, so a process started
with them compiles and runs what it would on a lesser machine:

env $(python tests/instruction_sets.py "AVX2 and FMA") minner bench
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import llvmlite.binding as llvm

_BELOW_AMX = ("amx-",)
_BELOW_BF16 = (*_BELOW_AMX, "avx512bf16", "avx10")  # AVX10 implies all of AVX-512
_BELOW_VNNI = (*_BELOW_BF16, "avx512vnni", "avxvnni")
_BELOW_AVX512 = (*_BELOW_AMX, "avx512", "avx10")
_BELOW_AVX_VNNI = (*_BELOW_AVX512, "avxvnni", "avxifma", "avxneconvert")
_BELOW_I8MM = ("i8mm", "bf16", "sve", "sme")
_BELOW_DOTPROD = (*_BELOW_I8MM, "dotprod")


class InstructionSet(NamedTuple):
    """A kind of processor.

    Attributes:
        name: what people call it.
        needs: LLVM's names of the features that make it.
        hidden: beginnings of the names of features that it must not have; None where it has only
            what every x86-64 processor has.
        cpu: LLVM's name of a processor to pass for; this machine's where it is "".
    """

    name: str
    needs: tuple[str, ...]
    hidden: tuple[str, ...] | None
    cpu: str = ""

    def environment(self) -> dict[str, str]:
        """The variables under which a process of this machine keeps to the set."""
        if self.hidden is None:
            return {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": ""}
        features = ",".join(
            f"{'+' if present and not name.startswith(self.hidden) else '-'}{name}"
            for name, present in llvm.get_host_cpu_features().items()
        )
        cpu = self.cpu or llvm.get_host_cpu_name()
        return {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": features}


INSTRUCTION_SETS = (
    InstructionSet("AMX", ("amx-int8", "amx-bf16"), ()),
    # The same features, but BF16 is slow on Intel's processors and fast on AMD's (`target.py`).
    InstructionSet(
        "AVX-512 with VNNI and BF16", ("avx512vnni", "avx512bf16"), _BELOW_AMX, "cooperlake"
    ),
    InstructionSet("Zen 4", ("avx512vnni", "avx512bf16"), _BELOW_AMX, "znver4"),
    InstructionSet("AVX-512 with VNNI", ("avx512vnni",), _BELOW_BF16),
    InstructionSet("AVX-512", ("avx512f",), _BELOW_VNNI),
    InstructionSet("AVX-VNNI", ("avxvnni",), _BELOW_AVX512),
    InstructionSet("AVX2 and FMA", ("avx2", "fma"), _BELOW_AVX_VNNI),
    InstructionSet("x86-64", ("sse2",), None),
    InstructionSet("NEON with dot product", ("neon", "dotprod"), _BELOW_I8MM),
    InstructionSet("NEON", ("neon",), _BELOW_DOTPROD),
)


def host_sets() -> list[InstructionSet]:
    """The sets that this machine can stand in for, the fullest first."""
    features = llvm.get_host_cpu_features()
    return [one for one in INSTRUCTION_SETS if all(features.get(name) for name in one.needs)]


if __name__ == "__main__":
    for one in host_sets():
        if one.name in sys.argv[1:]:
            print(*(f"{name}={value}" for name, value in one.environment().items()))
