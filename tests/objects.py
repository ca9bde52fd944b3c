"""Object files from a few lines of LLVM IR, compiled as Numba compiles."""

from __future__ import annotations

import platform
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from minner.kernels.codegen.build import SYMBOL

MACHINE = platform.machine()

HAS_IMAGES = platform.system() == "Linux" and MACHINE in ("x86_64", "aarch64")

SAMPLE = f"""
@primes = private constant [4 x i64] [i64 3, i64 5, i64 7, i64 11], align 64
@functions = private constant [2 x ptr] [ptr @double, ptr @square]

declare ptr @memset(ptr, i32, i64)

define i64 @double(i64 %x) noinline {{
  %y = add i64 %x, %x
  ret i64 %y
}}

define i64 @square(i64 %x) noinline {{
  %y = mul i64 %x, %x
  ret i64 %y
}}

define void @{SYMBOL}(ptr %call, i64 %prime, i64 %function) {{
  %second = getelementptr i64, ptr %call, i64 1
  call ptr @memset(ptr %second, i32 1, i64 8)
  %at = getelementptr i64, ptr @primes, i64 %prime
  %x = load i64, ptr %at
  %slot = getelementptr ptr, ptr @functions, i64 %function
  %chosen = load ptr, ptr %slot
  %y = call i64 %chosen(i64 %x)
  store i64 %y, ptr %call
  ret void
}}
"""
"""Constants, a table of functions, and a function of the C library: all that kernels refer to."""

SAMPLE_RESULT = [7 * 7, 0x0101010101010101, 0]


def call_sample(function: Any) -> list[int]:
    """What the function of SAMPLE writes for the prime 7 and `square`."""
    call = np.zeros(3, dtype=np.int64)
    function(call.ctypes.data, 2, 1)
    return call.tolist()


def compile_ir(ir: str, code_model: str = "") -> bytes:
    """Compile IR for this machine to an object file; as `build.py` does, or by a code model."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    model = code_model or ("small" if MACHINE == "aarch64" else "jitdefault")
    machine = target.create_target_machine(
        codemodel=model, jit=model == "jitdefault", reloc="static"
    )
    emitted: bytes = machine.emit_object(llvm.parse_assembly(ir))
    return emitted
