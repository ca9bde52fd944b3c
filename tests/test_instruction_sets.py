"""Every instruction set that this machine can stand in for: right answers, allowed instructions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import pytest

from checkpoints import write_checkpoint
from instruction_sets import InstructionSet, host_sets
from minner.kernels.runtime.cores import available_cores
from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS
from test_precisions import BOUNDS

every_set = pytest.mark.parametrize("instructions", host_sets(), ids=lambda one: one.name)

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


@every_set
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


# ---- the forward pass ---------------------------------------------------------------------------

QUADS, PAIRS, TILES = "vpdpbusds?", "vdpbf16ps|vcvtne2?ps2bf16", "tdp.*|tile.*|ldtilecfg"


class Code(NamedTuple):
    """What the compiled code of an instruction set must be.

    Attributes:
        bfloat16: what multiplies it.
        int8: what multiplies it.
        forbidden: a pattern of what the set lacks.
        slow: the precisions that it has no fast instructions for.
    """

    bfloat16: str
    int8: str
    forbidden: str
    slow: tuple[str, ...] = ()


CODE = {
    "AMX": Code("tdpbf16ps", "tdpbssd", "nothing"),
    "AVX-512 with VNNI and BF16": Code("vfmadd231ps|vdpbf16ps", "vpdpbusd", TILES, ("bfloat16",)),
    "Zen 4": Code("vdpbf16ps", "vpdpbusd", TILES),
    "AVX-512 with VNNI": Code("vfmadd231ps", "vpdpbusd", f"{TILES}|{PAIRS}", ("bfloat16",)),
    "AVX-512": Code("vfmadd231ps", "vpmaddubsw", f"{TILES}|{PAIRS}|{QUADS}", ("bfloat16",)),
    "AVX-VNNI": Code("vfmadd231ps", "vpdpbusd", f"{TILES}|{PAIRS}", ("bfloat16",)),
    "AVX2 and FMA": Code("vfmadd231ps", "vpmaddubsw", f"{TILES}|{PAIRS}|{QUADS}", ("bfloat16",)),
    "x86-64": Code("mulps", "pmaddwd", "v.*", ("bfloat16", "int8")),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Any]]]:
    """What `limited.py` prints, and says on stderr, under each set: they compile side by side."""
    model = write_checkpoint(tmp_path_factory.mktemp("limited") / "model")

    def run(instructions: InstructionSet) -> tuple[dict[str, Any], str]:
        cache = {"MINNER_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))}
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("limited.py")), str(model)],
            env=os.environ | cache | instructions.environment(),
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), done.stderr

    with ThreadPoolExecutor(available_cores()) as pool:
        yield {one.name: pool.submit(run, one) for one in host_sets() if one.name in CODE}


@every_set
def test_the_forward_pass(instructions: InstructionSet, answers: dict[str, Future[Any]]) -> None:
    if instructions.name not in CODE:
        pytest.skip("knows the instructions of x86-64 only")
    code, (found, said) = CODE[instructions.name], answers[instructions.name].result()
    for precision, (least, most) in BOUNDS.items():
        assert found[precision]["image"], precision
        assert found[precision]["jit"], f"{precision}: an image and Numba's own code differ"
        assert least <= found[precision]["error"] <= most, precision
        names = found[precision]["instructions"]
        assert not [name for name in names if re.fullmatch(code.forbidden, name)], precision
        widest = WIDEST.get(instructions.name, "zmm")
        allowed = ["zmm", "ymm", "xmm"]
        registers = set(found[precision]["registers"]) - {"tmm"}
        assert widest in registers
        assert registers <= set(allowed[allowed.index(widest) :])
    for precision in ("bfloat16", "int8"):
        wanted = getattr(code, precision)
        names = found[precision]["instructions"]
        assert [name for name in names if re.fullmatch(wanted, name)], precision
    for precision in OPERAND_LAYOUTS:
        times = said.count(f"lacks the fast instructions of {precision}: ")
        assert times == (precision in code.slow), "once, however often a model is loaded"
