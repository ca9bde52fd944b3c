"""All that minner uses of Numba and llvmlite beyond what they document, in one place.

A new version of either may change it without notice: pyproject.toml has an upper bound, and
`tests/test_compiler_internals.py` tells which of these functions a version breaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils


class BFloat16Type(ir.FloatType):  # type: ignore[misc]
    """LLVM's bfloat16, which llvmlite lacks; only ever the type of a bit cast or a rounding."""

    intrinsic_name = "bf16"

    def __str__(self) -> str:
        return "bfloat"


BFloat16Type._create_instance()


def stack_slot(builder: ir.IRBuilder, kind: ir.Type) -> ir.Value:
    """Reserve memory for a value at the beginning of the function, outside all loops."""
    return cgutils.alloca_once(builder, kind)


def declared_function(builder: ir.IRBuilder, kind: ir.FunctionType, name: str) -> ir.Value:
    """A function of another module, declared once in this one."""
    return cgutils.get_or_insert_function(builder.module, kind, name)


def constant_bytes(builder: ir.IRBuilder, name: str, content: bytes) -> ir.Value:
    """The address of constant bytes in the module."""
    constant = ir.Constant(ir.ArrayType(ir.IntType(8), len(content)), bytearray(content))
    return cgutils.global_constant(builder, name, constant)


def array_parts(
    context: Any, builder: ir.IRBuilder, kind: Any, value: ir.Value
) -> tuple[ir.Value, Sequence[ir.Value]]:
    """The data pointer of a Numba array, and its sizes as int64."""
    array = context.make_array(kind)(context, builder, value)
    return array.data, cgutils.unpack_tuple(builder, array.shape)


def compiled_module(compiled: Any) -> tuple[Any, Any, str]:
    """What LLVM made of a function under `numba.cfunc`.

    Returns:
        A copy of the optimised module, llvmlite's target machine for it, and the name that the
        function has in the module.
    """
    library = compiled._library
    return library._final_module.clone(), library._codegen._tm, compiled.native_name


def compile_for(cpu: str, features: str) -> None:
    """Let Numba compile for a processor; has no effect after it has compiled something."""
    settings: Any = numba.config
    settings.CPU_NAME, settings.CPU_FEATURES = cpu, features


def compiled_features(compiled: Any) -> str:
    """LLVM's string of the features that a function under `numba.cfunc` was compiled for."""
    features: str = compiled._library._codegen._tm_features
    return features
