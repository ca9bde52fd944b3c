"""Instructions that Python has no operator for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

from minner.kernels.vector.target import LANES, TARGET
from minner.kernels.vector.values import (
    FLOAT32,
    FLOATS,
    INT32,
    INTS,
    Pointer,
    Value,
    ValueLike,
    call,
    emit,
    lift,
)


def _call(name: str, *values: Value) -> Value:
    """Call an intrinsic that exists for every type, and returns that of its first argument."""
    result = values[0].code.type
    suffix = f"v{result.count}f32" if isinstance(result, ir.VectorType) else "f32"
    return call(f"llvm.{name}.{suffix}", result, *values)


def vector(number: float) -> Value:
    """A vector with the same number in every lane."""
    return lift(number, FLOATS)


def lane_numbers() -> Value:
    """The int32 vector 0, 1, 2, ..."""
    return Value(ir.Constant(INTS, list(range(LANES))))


def fma(a: Value, b: ValueLike, c: ValueLike) -> Value:
    """`a * b + c`; rounded once where the host has such an instruction."""
    kind = a.code.type
    return _call("fma" if TARGET.fma else "fmuladd", a, lift(b, kind), lift(c, kind))


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's rule; coefficients from the highest power down to the constant."""
    total = lift(coefficients[0], x.code.type)
    for coefficient in coefficients[1:]:
        total = fma(total, x, coefficient)
    return total


def select(condition: Value, yes: ValueLike, no: ValueLike) -> Value:
    """`yes if condition else no` in each lane; at least one of the two must be a `Value`."""
    kind = next(value.code.type for value in (yes, no) if isinstance(value, Value))
    return Value(emit().select(condition.code, lift(yes, kind).code, lift(no, kind).code))


def choose(condition: Value, yes: Pointer, no: Pointer) -> Pointer:
    """`yes if condition else no`, for addresses."""
    return Pointer(emit().select(condition.code, yes.code, no.code))


def maximum(a: Value, b: ValueLike) -> Value:
    """The greater of each lane; b where one of them is NaN."""
    return select(a > b, a, b)


def minimum(a: Value, b: ValueLike) -> Value:
    """The smaller of each lane; b where one of them is NaN."""
    return select(a < b, a, b)


def unsigned_maximum(a: Value, b: Value) -> Value:
    """The greater of each lane of integers, all bits read as a number without a sign."""
    return select(Value(emit().icmp_unsigned(">", a.code, b.code)), a, b)


def absolute(x: Value) -> Value:
    """`|x|`."""
    return _call("fabs", x)


def sqrt(x: Value) -> Value:
    """The square root, correctly rounded."""
    return _call("sqrt", x)


def copysign(magnitude: Value, sign: Value) -> Value:
    """`magnitude` with the sign of `sign`."""
    return _call("copysign", magnitude, sign)


def nearest(x: Value) -> Value:
    """Round to the nearest whole number, ties to even."""
    return _call("rint", x)


def to_int(x: Value) -> Value:
    """Convert whole float32 lanes, or a scalar, to int32."""
    kind = INTS if isinstance(x.code.type, ir.VectorType) else INT32
    return Value(emit().fptosi(x.code, kind))


def to_float(x: Value) -> Value:
    """Convert a 64-bit integer scalar, or int32 lanes, to float32."""
    kind = FLOATS if isinstance(x.code.type, ir.VectorType) else FLOAT32
    return Value(emit().sitofp(x.code, kind))


def to_int32(x: Value) -> Value:
    """Narrow a 64-bit integer scalar."""
    return Value(emit().trunc(x.code, INT32))


def narrow(x: Value, element: ir.Type) -> Value:
    """Convert lanes to fewer bits. Float32 is rounded to bfloat16; integers lose upper bits."""
    kind = ir.VectorType(element, x.code.type.count)
    shorten = emit().fptrunc if x._kind == "f" else emit().trunc
    return Value(shorten(x.code, kind))


def widen(x: Value, element: ir.Type) -> Value:
    """Convert integer lanes to more bits; the upper ones are 0."""
    return Value(emit().zext(x.code, ir.VectorType(element, x.code.type.count)))


def bits(x: Value, kind: ir.Type) -> Value:
    """The same bits, read as a value of another type."""
    return Value(emit().bitcast(x.code, kind))


def shuffle(a: Value, b: Value, lanes: Sequence[int]) -> Value:
    """Some lanes of two vectors in any order; those of `b` are numbered after those of `a`."""
    order = ir.Constant(ir.VectorType(INT32, len(lanes)), list(lanes))
    return Value(emit().shuffle_vector(a.code, b.code, order))


def join(a: Value, b: Value) -> Value:
    """The lanes of two vectors as one vector."""
    return shuffle(a, b, range(2 * a.code.type.count))


def reduce(x: Value, combine: Callable[[Value, Value], Value]) -> Value:
    """Combine all lanes into a scalar, always in one order: upper half with lower half, again."""
    width = LANES
    while width > 1:
        width //= 2
        upper = [(lane + width) % LANES for lane in range(LANES)]
        x = combine(x, shuffle(x, x, upper))
    return Value(emit().extract_element(x.code, INT32(0)))
