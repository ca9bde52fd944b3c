"""What minner uses of Numba and llvmlite without their promise: each function of `internals.py`.

After an update of either, a test that fails here names what has changed.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from typing import Any

import numba
import numpy as np
import pytest
from llvmlite import ir
from numba import cfunc, njit, types

from minner.kernels.vector.control import loop
from minner.kernels.vector.internals import (
    BFloat16Type,
    compiled_module,
    constant_bytes,
    declared_function,
    stack_slot,
)
from minner.kernels.vector.staged import staged
from minner.kernels.vector.values import Array

VERSIONS = f"numba {numba.__version__}"


@pytest.fixture
def builder() -> ir.IRBuilder:
    """Of a function that is empty so far."""
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), []), "empty")
    return ir.IRBuilder(function.append_basic_block())


def test_bfloat16_is_a_type() -> None:
    assert str(ir.VectorType(BFloat16Type(), 32)) == "<32 x bfloat>", VERSIONS
    assert BFloat16Type() == BFloat16Type(), VERSIONS


def test_stack_slots_are_reserved_at_the_beginning(builder: ir.IRBuilder) -> None:
    first = builder.block
    builder.position_at_end(builder.append_basic_block("loop"))
    stack_slot(builder, ir.IntType(64))
    assert "alloca i64" in str(first), VERSIONS


def test_functions_are_declared_once(builder: ir.IRBuilder) -> None:
    kind = ir.FunctionType(ir.IntType(32), [])
    assert declared_function(builder, kind, "f") is declared_function(builder, kind, "f"), VERSIONS
    assert str(builder.module).count("declare i32 @") == 1, VERSIONS


def test_the_processor_that_is_compiled_for_can_be_set_and_asked() -> None:
    code = (
        "from minner.kernels.vector.internals import compile_for, compiled_features\n"
        "compile_for('x86-64', '-avx')\n"
        "from numba import cfunc, types\n"
        "print(compiled_features(cfunc(types.int64(types.int64))(lambda x: x)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "-avx\n", VERSIONS + done.stderr


def test_constant_bytes_are_in_the_module(builder: ir.IRBuilder) -> None:
    constant_bytes(builder, "three", b"\x01\x02\x03")
    assert r'[3 x i8] c"\01\02\03"' in str(builder.module), VERSIONS


def test_arrays_have_a_pointer_and_sizes() -> None:
    """In a kernel, through `staged`, which takes them apart with `array_parts`."""

    @staged
    def number(out: Array) -> None:
        for row in loop(out.shape[0]):
            for column in loop(out.shape[1]):
                out[row, column].store_scalar(row * 10 + column)

    @njit
    def run(out: Any) -> None:
        number(out)

    out = np.zeros((3, 4), dtype=np.int64)
    run(out)
    np.testing.assert_array_equal(out, np.add.outer([0, 10, 20], range(4)), VERSIONS)


def test_a_compiled_function_has_a_module_and_a_machine() -> None:
    @cfunc(types.int64(types.int64))
    def double(x: int) -> int:
        return 2 * x

    module, machine, name = compiled_module(double)
    assert not module.get_function(name).is_declaration, VERSIONS
    assert machine.emit_object(module).startswith((b"\x7fELF", b"\xcf\xfa")), VERSIONS
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(double.address)(21) == 42
