"""The dot product of dwords, the innermost step of a product, on every instruction set.

`(sums, dwords of x, dwords of weights) -> sums`, all of them vectors: every lane multiplies the
values of its dwords of x by those of its dwords of weights, and adds the products to its sum.
`precision.py` says what is in a dword where.
"""

from __future__ import annotations

from collections.abc import Callable

from minner.kernels.runtime.operand_layout import (
    MULTIPLIES_BFLOAT16,
    MULTIPLIES_INT8,
    SUMS_INT16,
)
from minner.kernels.vector.instructions import bits, fma
from minner.kernels.vector.target import LANES, TARGET
from minner.kernels.vector.values import (
    BFLOAT16S,
    FLOATS,
    INT8S,
    INT16S,
    INTS,
    Value,
    call,
    lift,
    on_x86,
)

Dot = Callable[[Value, list[Value], list[Value]], Value]

UPPER_HALF = -65536
"""The mask 0xffff0000, as an int32."""


def float32_dot(sums: Value, x: list[Value], weights: list[Value]) -> Value:
    """One multiply-add."""
    return fma(x[0], weights[0], sums)


# ---- bfloat16 ---------------------------------------------------------------------------------


def _dot_of_bfloat16(sums: Value, x: list[Value], weights: list[Value]) -> Value:
    pairs = bits(x[0], BFLOAT16S), bits(weights[0], BFLOAT16S)
    return call(TARGET.bfloat16_dot, FLOATS, sums, *pairs)


def _dot_of_float32_and_bfloat16(sums: Value, x: list[Value], weights: list[Value]) -> Value:
    """Convert the weights; the lower k stands in the lower half of a dword."""
    dwords = bits(weights[0], INTS)
    lower, upper = bits(dwords << 16, FLOATS), bits(dwords & UPPER_HALF, FLOATS)
    return fma(x[1], upper, fma(x[0], lower, sums))


bfloat16_dot: Dot = _dot_of_bfloat16 if MULTIPLIES_BFLOAT16 else _dot_of_float32_and_bfloat16


# ---- int8 -------------------------------------------------------------------------------------


def _dot_of_int8(sums: Value, x: list[Value], weights: list[Value]) -> Value:
    return call(TARGET.int8_dot, INTS, sums, bits(x[0], INT8S), bits(weights[0], INT8S))


def _dot_of_int8_in_int16(sums: Value, x: list[Value], weights: list[Value]) -> Value:
    """Add four products up as int16, then pairs of sums as int32.

    The sums cannot overflow: see `SUM16` in weights/numbers.py.

    That is five instructions for two dwords. Widening each pair to int32 takes six, four of which
    (not three) are of a kind that AMD's processors start only two of per cycle.
    """
    pairs = [
        call(TARGET.int8_pairs, INT16S, bits(x[i], INT8S), bits(weights[i], INT8S)) for i in (0, 1)
    ]
    return sums + _multiply_int16(pairs[0] + pairs[1], lift(1, INT16S))


def _dot_of_int16_and_int8(sums: Value, x: list[Value], weights: list[Value]) -> Value:
    """Convert the weights: bytes 0 and 2 of each dword to int16, then bytes 1 and 3."""
    shorts = bits(weights[0], INT16S)
    even, odd = (shorts << 8) >> 8, shorts >> 8
    return sums + _multiply_int16(x[0], even) + _multiply_int16(x[1], odd)


def _multiply_int16(x: Value, weights: Value) -> Value:
    """Multiply pairs of int16 and add each pair up, exactly: one instruction on every x86."""
    names = {16: "avx512.pmaddw.d.512", 8: "avx2.pmadd.wd", 4: "sse2.pmadd.wd"}
    if on_x86():
        return call(f"llvm.x86.{names[LANES]}", INTS, bits(x, INT16S), weights)
    products = bits(x, INTS), bits(weights, INTS)
    upper = (products[0] >> 16) * (products[1] >> 16)
    return upper + ((products[0] << 16) >> 16) * ((products[1] << 16) >> 16)


def _int8_dot() -> Dot:
    if SUMS_INT16:
        return _dot_of_int8_in_int16
    return _dot_of_int8 if MULTIPLIES_INT8 else _dot_of_int16_and_int8


int8_dot = _int8_dot()
