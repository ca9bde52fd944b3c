"""Compile the forward pass once, keep its machine code, load it without Numba.

Numba is imported to compile, not to run: the first process compiles (seconds) and keeps an
object file; every later process loads that with llvmlite alone (milliseconds) and calls it
through ctypes, which releases the GIL. The file's name is a digest of everything the code
depends on: the sources of this package, the compilers' versions, and the CPU.
"""

from __future__ import annotations

import ctypes
import hashlib
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from minner.kernels.cache import cache_directory, keep
from minner.kernels.target import TARGET

SYMBOL = "minner_forward"

Forward = Callable[..., None]
"""The native function; its arguments are those of `forward` in `forward.py`."""

LIBC = {"read", "write", "sched_yield", "clock_gettime", "memcpy", "memset"}
"""What compiled code needs of the process it runs in (see team.py)."""

_PROTOTYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_engines: list[Any] = []  # an engine that is collected takes its code along


def cache_path(activation: str, precision: str) -> Path:
    """The file that holds the machine code for an activation and precision on this machine."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    digest.update(_numba_version())
    for part in (llvmlite.__version__, repr(TARGET), activation, precision):
        digest.update(b"\0" + part.encode())
    name = f"forward-{activation}-{precision}-{digest.hexdigest()[:32]}.o"
    return cache_directory() / name


def _numba_version() -> bytes:
    """The file in which Numba states its version.

    Reading it is quicker than importing Numba, or than asking importlib.metadata (30 ms).
    """
    numba = find_spec("numba")
    if numba is None or numba.origin is None:
        return b""
    return (Path(numba.origin).parent / "_version.py").read_bytes()


@cache
def load_forward(activation: str, precision: str) -> Forward:
    """The compiled forward pass: from the cache, else compiled and kept."""
    path = cache_path(activation, precision)
    code = _read(path)
    if code is None:
        code = compile_forward(activation, precision)
        keep(path, [hashlib.sha256(code).digest(), code], "compiled kernels")
    return _link(code)


def compile_forward(activation: str, precision: str) -> bytes:
    """Compile to an object file whose one entry is SYMBOL."""
    module, machine = build_forward(activation, precision)
    machine_code: bytes = machine.emit_object(module)
    return machine_code


def build_forward(activation: str, precision: str) -> tuple[Any, Any]:
    """Compile as far as LLVM's optimised module; imports Numba.

    Returns:
        The module, and llvmlite's machine for it, which emits an object file or assembly.
    """
    if sys.stderr.isatty():
        print("minner: compiling kernels for this machine, once ...", file=sys.stderr)
    _align_loops()
    from numba import cfunc

    from minner.kernels.forward import SIGNATURE, make_forward

    compiled: Any = cfunc(SIGNATURE, error_model="numpy")(make_forward(activation, precision))
    library = compiled._library
    module = library._final_module.clone()
    module.get_function(compiled.native_name).name = SYMBOL
    module.link_in(llvm.parse_assembly(_stubs(module)))
    return module, library._codegen._tm


@cache
def _align_loops() -> None:
    """Let inner loops start on a cache line, where LLVM has an option for it.

    Without that the product's speed changed by up to 6 % with every unrelated edit (Zen 3).
    """
    # LLVM ends the process over an option that it does not know.
    if llvm.get_default_triple().startswith("x86_64") and llvm.llvm_version_info[0] in (20, 21, 22):
        llvm.set_option("", "--x86-experimental-pref-innermost-loop-alignment=6")


def _stubs(module: Any) -> str:
    """Define Numba's runtime functions, so that the object can live without Numba.

    They are reached only where compiled code raises an exception, and the kernels raise none:
    all input is checked before they run.
    """
    lines = []
    for function in module.functions:
        if function.is_declaration and not (
            function.name.startswith("llvm.") or function.name in LIBC
        ):
            result, arguments = str(function.global_value_type).rstrip(")").split(" (", 1)
            value = "ret void" if result == "void" else f"ret {result} zeroinitializer"
            lines.append(f"define {result} @{function.name}({arguments}) {{ {value} }}")
    return "\n".join(lines)


def _link(code: bytes) -> Forward:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    forward: Forward = _PROTOTYPE(engine.get_function_address(SYMBOL))
    return forward


# ---- the file: SHA-256 of the machine code, then the machine code ------------------------------


def _read(path: Path) -> bytes | None:
    """The machine code, or None where there is none or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    checksum, code = content[:32], content[32:]
    return code if hashlib.sha256(code).digest() == checksum else None
