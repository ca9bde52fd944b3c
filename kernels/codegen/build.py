"""All that needs LLVM: compiling the forward pass, and linking it where no image can be made.

A process that finds an image in the cache never imports this file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from minner.errors import MinnerError
from minner.kernels.codegen.make_image import LIBC
from minner.kernels.codegen.targets import target_compiled_for
from minner.kernels.vector.target import TARGET

SYMBOL = "minner_forward"

_engines: list[Any] = []  # kept, because their code is freed with them


def compile_forward(activation: str, precision: str) -> bytes:
    """Compile to an object file whose one entry is SYMBOL."""
    module, machine = build_forward(activation, precision)
    machine_code: bytes = machine.emit_object(module)
    return machine_code


def build_forward(activation: str, precision: str) -> tuple[Any, Any]:
    """Compile the forward pass, as `build_function` does."""
    if sys.stderr.isatty():
        print("minner: compiling kernels for this machine, once ...", file=sys.stderr)
    from minner.kernels.forward import SIGNATURE, make_forward

    return build_function(SIGNATURE, lambda: make_forward(activation, precision))


def build_function(signature: Any, make: Callable[[], Any]) -> tuple[Any, Any]:
    """Compile a function to LLVM's optimised module, under the name SYMBOL; imports Numba.

    Args:
        signature: Numba's, of C types.
        make: gives the function.

    Returns:
        The module, and llvmlite's target machine, which emits an object file or assembly from it.

    Raises:
        MinnerError: Numba was set up for another target before.
    """
    _align_loops()
    from numba import cfunc

    from minner.kernels.vector.internals import compile_for, compiled_features, compiled_module

    compile_for(TARGET.cpu, TARGET.features)
    compiled = cfunc(signature, error_model="numpy")(make())
    if target_compiled_for(TARGET.cpu, TARGET.features) and (
        compiled_features(compiled) != TARGET.features
    ):
        # Kept in the cache, it would be run on other processors of the same target.
        raise MinnerError(
            "another part of this program has set Numba up already, for another target than "
            "minner's: run `minner warmup` once, or load the model first"
        )
    module, machine, name = compiled_module(compiled)
    module.get_function(name).name = SYMBOL
    module.link_in(llvm.parse_assembly(_stubs(module)))
    return module, _emitter(machine)


def _emitter(machine: Any) -> Any:
    """The target machine that emits what an image can be made of (`make_image.py`).

    Numba's has LLVM's code model for JIT compilers. On Arm that one splits an address over four
    instructions; the small code model takes two, and nothing is left to do for the loader.
    """
    if not machine.triple.startswith("aarch64") or "linux" not in machine.triple:
        return machine
    return llvm.Target.from_triple(machine.triple).create_target_machine(
        TARGET.cpu, TARGET.features, opt=3, reloc="static", codemodel="small"
    )


@cache
def _align_loops() -> None:
    """Make inner loops start at a cache line, where LLVM has an option for it.

    Without that, any unrelated edit could change the product's speed by up to 6 % (Zen 3).
    """
    # LLVM ends the process if it does not know an option.
    if llvm.get_default_triple().startswith("x86_64") and llvm.llvm_version_info[0] in (20, 21, 22):
        llvm.set_option("", "--x86-experimental-pref-innermost-loop-alignment=6")


def _stubs(module: Any) -> str:
    """Define empty functions for those of Numba's runtime and of Python, which will not be there.

    They are called only when compiled code raises an exception. The kernels raise none: all input
    is checked before they run.
    """
    lines = []
    for function in module.functions:
        if function.is_declaration and not (
            function.name.startswith("llvm.") or function.name in LIBC
        ):
            result, arguments = str(function.global_value_type).rstrip(")").split(" (", 1)
            value = "ret void" if result == "void" else f"ret {result} zeroinitializer"
            lines.append(f"define {result} @{function.name}({arguments}) {{ {value} }}")
    for variable in module.global_variables:
        if variable.is_declaration:
            lines.append(f"@{variable.name} = hidden constant i64 0")
    return "\n".join(lines)


def link(object_file: bytes) -> int:
    """Link an object file into this process; returns the address of SYMBOL."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(object_file))
    engine.finalize_object()
    _engines.append(engine)
    address: int = engine.get_function_address(SYMBOL)
    return address
