"""Values of a kernel that is being compiled: scalars, vectors, addresses, arrays, variables.

Each wraps a value of LLVM's intermediate representation. Their operators compute nothing: they
emit instructions.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from minner.kernels.vector.internals import BFloat16Type, declared_function, stack_slot
from minner.kernels.vector.target import LANES

INT64 = ir.IntType(64)
INT32 = ir.IntType(32)
INT16 = ir.IntType(16)
INT8 = ir.IntType(8)
FLOAT32 = ir.FloatType()
BFLOAT16 = BFloat16Type()

# A whole vector register of each type.
FLOATS = ir.VectorType(FLOAT32, LANES)
INTS = ir.VectorType(INT32, LANES)
BFLOAT16S = ir.VectorType(BFLOAT16, 2 * LANES)
INT16S = ir.VectorType(INT16, 2 * LANES)
INT8S = ir.VectorType(INT8, 4 * LANES)

builders: list[ir.IRBuilder] = []
"""Of the functions that are being compiled, the innermost last: see `outlined`."""


def emit() -> ir.IRBuilder:
    """The builder of the function that is being compiled, for what has no operator here."""
    return builders[-1]


def on_x86() -> bool:
    """Whether the kernel that is being compiled is for an x86 processor."""
    return "x86" in emit().module.triple


# ---- values -----------------------------------------------------------------------------------


class Value:
    """A scalar or vector of the kernel; operators emit instructions, numbers become constants."""

    def __init__(self, code: ir.Value) -> None:
        """Wrap an LLVM value."""
        self.code = code

    @property
    def _kind(self) -> str:
        element = self.code.type
        element = element.element if isinstance(element, ir.VectorType) else element
        return "f" if element == FLOAT32 else "i"

    def _binary(self, operation: str, other: ValueLike) -> Value:
        right = lift(other, self.code.type)
        return Value(getattr(emit(), operation)(self.code, right.code))

    def __add__(self, other: ValueLike) -> Value:
        return self._binary("fadd" if self._kind == "f" else "add", other)

    def __sub__(self, other: ValueLike) -> Value:
        return self._binary("fsub" if self._kind == "f" else "sub", other)

    def __mul__(self, other: ValueLike) -> Value:
        return self._binary("fmul" if self._kind == "f" else "mul", other)

    def __truediv__(self, other: ValueLike) -> Value:
        return self._binary("fdiv", other)

    def __floordiv__(self, other: ValueLike) -> Value:
        return self._binary("sdiv", other)

    def __mod__(self, other: ValueLike) -> Value:
        return self._binary("srem", other)

    def __lshift__(self, other: ValueLike) -> Value:
        return self._binary("shl", other)

    def __rshift__(self, other: ValueLike) -> Value:
        """Shift right, and fill with copies of the sign."""
        return self._binary("ashr", other)

    def __and__(self, other: ValueLike) -> Value:
        return self._binary("and_", other)

    def __radd__(self, other: ValueLike) -> Value:
        return self + other

    def __rmul__(self, other: ValueLike) -> Value:
        return self * other

    def __rsub__(self, other: ValueLike) -> Value:
        return lift(other, self.code.type) - self

    def __rtruediv__(self, other: ValueLike) -> Value:
        return lift(other, self.code.type) / self

    def __lt__(self, other: ValueLike) -> Value:
        return _compare("<", self, other)

    def __gt__(self, other: ValueLike) -> Value:
        return _compare(">", self, other)

    def equals(self, other: ValueLike) -> Value:
        """Lane by lane equality (`==` stays Python's identity, so that values can be hashed)."""
        return _compare("==", self, other)

    def differs(self, other: ValueLike) -> Value:
        """Lane by lane inequality."""
        return _compare("!=", self, other)


ValueLike = Value | int | float


def _compare(operator: str, left: Value, other: ValueLike) -> Value:
    right = lift(other, left.code.type)
    compare = emit().fcmp_ordered if left._kind == "f" else emit().icmp_signed
    return Value(compare(operator, left.code, right.code))


def lift(value: ValueLike, kind: ir.Type) -> Value:
    """Turn a Python number into a constant of a type, or spread a scalar over all lanes."""
    if isinstance(value, Value):
        if isinstance(kind, ir.VectorType) and not isinstance(value.code.type, ir.VectorType):
            return splat(value)
        return value
    if isinstance(kind, ir.VectorType):
        return Value(ir.Constant(kind, [value] * kind.count))
    return Value(ir.Constant(kind, value))


def splat(scalar: Value) -> Value:
    """Copy a scalar into every lane of a vector."""
    kind = ir.VectorType(scalar.code.type, LANES)
    first = emit().insert_element(ir.Constant(kind, ir.Undefined), scalar.code, INT32(0))
    return Value(emit().shuffle_vector(first, first, ir.Constant(INTS, [0] * LANES)))


def call(name: str, result: ir.Type, *values: Value) -> Value:
    """Emit a call of an intrinsic of LLVM, by its whole name, or a function of the C library."""
    kind = ir.FunctionType(result, [value.code.type for value in values])
    function = declared_function(emit(), kind, name)
    return Value(emit().call(function, [value.code for value in values]))


class Pointer(Value):
    """The address of an element of an array. Adding a number moves it by so many elements."""

    def __add__(self, elements: ValueLike) -> Pointer:
        step = lift(elements, INT64)
        return Pointer(emit().gep(self.code, [step.code], source_etype=self._element))

    @property
    def _element(self) -> ir.Type:
        return self.code.type.pointee

    def of(self, kind: ir.Type) -> Pointer:
        """The same address, of elements of another type."""
        return Pointer(emit().bitcast(self.code, kind.as_pointer()))

    def load(self, kind: ir.Type = FLOATS) -> Value:
        """Read a whole vector from here."""
        return Value(emit().load(self.of(kind).code, align=4))

    def store(self, vector: Value) -> None:
        """Write a whole vector here."""
        emit().store(vector.code, self.of(vector.code.type).code, align=4)

    def scalar(self) -> Value:
        """Read the one element here. An int32 becomes an int64, to be an index."""
        value = Value(emit().load(self.code, align=4))
        return Value(emit().sext(value.code, INT64)) if value.code.type == INT32 else value

    def store_scalar(self, value: Value) -> None:
        """Write the one element here."""
        emit().store(value.code, self.code, align=4)

    def prefetch(self, level: int, to_write: bool = False) -> None:
        """Fetch the cache line here into L1 or L2; it may be beyond the end of the array."""
        writing, locality, data = INT32(int(to_write)), INT32(4 - level), INT32(1)
        settings = [Value(number) for number in (writing, locality, data)]
        call("llvm.prefetch.p0", ir.VoidType(), self.of(INT8), *settings)

    def broadcast(self) -> Value:
        """Read the one element here into every lane."""
        return splat(self.scalar())


class Array:
    """A C-contiguous array argument. `x.shape` are its sizes; `x[row, column]` is an address."""

    def __init__(self, data: ir.Value, shape: Sequence[ir.Value]) -> None:
        """Wrap a data pointer and the 64-bit sizes of all dimensions."""
        self.data = Pointer(data)
        self.shape = [Value(size) for size in shape]

    def __getitem__(self, index: ValueLike | tuple[ValueLike, ...]) -> Pointer:
        indices = index if isinstance(index, tuple) else (index,)
        offset = lift(0, INT64)
        for size, position in zip(self.shape, indices, strict=False):
            offset = offset * size + position
        for size in self.shape[len(indices) :]:
            offset = offset * size
        return self.data + offset


class Variable:
    """A value that a loop changes; lives in a register once LLVM has promoted it."""

    def __init__(self, initial: Value) -> None:
        """Reserve a place for values of this type, and set it."""
        self._slot = stack_slot(emit(), initial.code.type)
        self.value = initial

    @property
    def address(self) -> Value:
        """Where it lives, for C functions that write to it."""
        return Value(self._slot)

    @property
    def value(self) -> Value:
        """The value at this point of the kernel."""
        return Value(emit().load(self._slot))

    @value.setter
    def value(self, new: Value) -> None:
        emit().store(new.code, self._slot)
