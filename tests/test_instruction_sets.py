"""The instruction sets that other tests and the benchmarks force."""

from __future__ import annotations

import llvmlite.binding as llvm
import pytest

from instruction_sets import InstructionSet, host_sets

SUM_OF_16 = """
define void @sum(ptr %a, ptr %b) {
  %x = load <16 x float>, ptr %a, align 4
  %y = load <16 x float>, ptr %b, align 4
  %z = fadd <16 x float> %x, %y
  store <16 x float> %z, ptr %a, align 4
  ret void
}
"""

WIDEST = {"AVX2 and FMA": "ymm", "AVX-VNNI": "ymm", "x86-64": "xmm"}
"""The widest registers there are; `zmm` in the other sets of x86-64."""


@pytest.mark.parametrize("instructions", host_sets(), ids=lambda one: one.name)
def test_nothing_hidden_comes_back(instructions: InstructionSet) -> None:
    """A feature may imply hidden ones: LLVM itself must not see more than the set has."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    triple = llvm.get_process_triple()
    if not triple.startswith("x86_64"):
        pytest.skip("knows the registers of x86-64 only")
    cpu, features = instructions.environment().values()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu, features)
    assembly = machine.emit_assembly(llvm.parse_assembly(SUM_OF_16))
    seen = {name for name in ("xmm", "ymm", "zmm") if name in assembly}
    assert seen == {WIDEST.get(instructions.name, "zmm")}
