"""The staged vector layer: ordinary-looking Python that runs while a kernel is being compiled.

A function under `@staged` is called once, by Numba's compiler, with objects that stand for the
kernel's arguments. Their operators compute nothing: they emit LLVM instructions. Python's own
`for` and `if` therefore unroll and specialise, while `loop(...)` and `when(...)` emit real
loops and branches::

    @staged
    def scale(x, factor_row):                   # called from an @njit function
        for row in loop(x.shape[0]):            # a loop of the kernel
            for half in range(2):               # unrolled: two vectors
                at = x[row, half * LANES]
                at.store(at.load() * 0.5)

Vectors have `LANES` float32 lanes, as wide as the host's registers (`kernels/vector/target.py`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from minner.kernels.vector.target import LANES, TARGET


class _BFloatType(ir.FloatType):  # type: ignore[misc]
    """LLVM's bfloat16, which llvmlite lacks; only ever the type of a bit cast or a rounding."""

    intrinsic_name = "bf16"

    def __str__(self) -> str:
        return "bfloat"


_BFloatType._create_instance()

INT64 = ir.IntType(64)
INT32 = ir.IntType(32)
INT16 = ir.IntType(16)
INT8 = ir.IntType(8)
BOOL = ir.IntType(1)
FLOAT32 = ir.FloatType()
FLOATS = ir.VectorType(FLOAT32, LANES)
INTS = ir.VectorType(INT32, LANES)
HALVES = ir.VectorType(INT16, 2 * LANES)
BFLOAT = _BFloatType()
BFLOATS = ir.VectorType(BFLOAT, 2 * LANES)
BYTES = ir.VectorType(INT8, 4 * LANES)

_builders: list[ir.IRBuilder] = []


def emit() -> ir.IRBuilder:
    """The builder of the kernel that is being compiled, for what has no operator here."""
    return _builders[-1]


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

    def _binary(self, operation: str, other: Operand) -> Value:
        right = lift(other, self.code.type)
        return Value(getattr(emit(), operation)(self.code, right.code))

    def __add__(self, other: Operand) -> Value:
        return self._binary("fadd" if self._kind == "f" else "add", other)

    def __sub__(self, other: Operand) -> Value:
        return self._binary("fsub" if self._kind == "f" else "sub", other)

    def __mul__(self, other: Operand) -> Value:
        return self._binary("fmul" if self._kind == "f" else "mul", other)

    def __truediv__(self, other: Operand) -> Value:
        return self._binary("fdiv", other)

    def __floordiv__(self, other: Operand) -> Value:
        return self._binary("sdiv", other)

    def __mod__(self, other: Operand) -> Value:
        return self._binary("srem", other)

    def __lshift__(self, other: Operand) -> Value:
        return self._binary("shl", other)

    def __rshift__(self, other: Operand) -> Value:
        """Shift right, and fill with copies of the sign."""
        return self._binary("ashr", other)

    def __and__(self, other: Operand) -> Value:
        return self._binary("and_", other)

    def __radd__(self, other: Operand) -> Value:
        return self + other

    def __rmul__(self, other: Operand) -> Value:
        return self * other

    def __rsub__(self, other: Operand) -> Value:
        return lift(other, self.code.type) - self

    def __rtruediv__(self, other: Operand) -> Value:
        return lift(other, self.code.type) / self

    def __lt__(self, other: Operand) -> Value:
        return _compare("<", self, other)

    def __gt__(self, other: Operand) -> Value:
        return _compare(">", self, other)

    def equals(self, other: Operand) -> Value:
        """Lane by lane equality (`==` stays Python's identity, so that values can be hashed)."""
        return _compare("==", self, other)

    def differs(self, other: Operand) -> Value:
        """Lane by lane inequality."""
        return _compare("!=", self, other)


Operand = Value | int | float


def _compare(operator: str, left: Value, other: Operand) -> Value:
    right = lift(other, left.code.type)
    compare = emit().fcmp_ordered if left._kind == "f" else emit().icmp_signed
    return Value(compare(operator, left.code, right.code))


def lift(value: Operand, kind: ir.Type) -> Value:
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


class Pointer(Value):
    """The address of a float32 or int32 inside an array; moves in elements."""

    def __add__(self, elements: Operand) -> Pointer:
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
        """Read the one element here; an int32 is widened to the 64 bits of an index."""
        value = Value(emit().load(self.code, align=4))
        return Value(emit().sext(value.code, INT64)) if value.code.type == INT32 else value

    def store_scalar(self, value: Value) -> None:
        """Write the one element here."""
        emit().store(value.code, self.code, align=4)

    def prefetch(self, level: int, to_write: bool = False) -> None:
        """Ask for the cache line here, which may be beyond the array, in the level 1 or 2 cache."""
        writing, locality, data = INT32(int(to_write)), INT32(4 - level), INT32(1)
        settings = [Value(number) for number in (writing, locality, data)]
        call("llvm.prefetch.p0", ir.VoidType(), self.of(INT8), *settings)

    def broadcast(self) -> Value:
        """Read the one element here into every lane."""
        return splat(self.scalar())


class Array:
    """A C-contiguous array argument: `x.shape`, and `x[row, column]` is an address."""

    def __init__(self, data: ir.Value, shape: Sequence[ir.Value]) -> None:
        """Wrap a data pointer and the 64-bit sizes of all dimensions."""
        self.data = Pointer(data)
        self.shape = [Value(size) for size in shape]

    def __getitem__(self, index: Operand | tuple[Operand, ...]) -> Pointer:
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
        self._slot = cgutils.alloca_once(emit(), initial.code.type)
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


# ---- control flow -----------------------------------------------------------------------------


def loop(start: Operand, stop: Operand | None = None, step: Operand = 1) -> Iterator[Value]:
    """Emit a counting loop; the body of the Python `for` around it is emitted once."""
    first, last = (0, start) if stop is None else (start, stop)
    builder = emit()
    counter = Variable(lift(first, INT64))
    test, body, after = (builder.append_basic_block(name) for name in ("test", "body", "after"))
    builder.branch(test)
    builder.position_at_end(test)
    index = counter.value
    builder.cbranch((index < last).code, body, after)
    builder.position_at_end(body)
    yield index
    counter.value = index + step
    builder.branch(test)
    builder.position_at_end(after)


def loop_while(condition: Callable[[], Value]) -> Iterator[None]:
    """Emit a loop that runs while a condition, emitted anew before each turn, holds."""
    builder = emit()
    test, body, after = (builder.append_basic_block(name) for name in ("test", "body", "after"))
    builder.branch(test)
    builder.position_at_end(test)
    builder.cbranch(condition().code, body, after)
    builder.position_at_end(body)
    yield
    builder.branch(test)
    builder.position_at_end(after)


@contextmanager
def when(condition: Value) -> Iterator[None]:
    """Emit a branch around the body of the Python `with`."""
    with emit().if_then(condition.code):
        yield


# ---- instructions beyond the operators --------------------------------------------------------


def call(name: str, result: ir.Type, *values: Value) -> Value:
    """Call an intrinsic of LLVM by its whole name, or a function of the C library."""
    function_type = ir.FunctionType(result, [value.code.type for value in values])
    function = cgutils.get_or_insert_function(emit().module, function_type, name)
    return Value(emit().call(function, [value.code for value in values]))


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


def fma(a: Value, b: Operand, c: Operand) -> Value:
    """`a * b + c`, rounded once where the host can."""
    kind = a.code.type
    return _call("fma" if TARGET.fma else "fmuladd", a, lift(b, kind), lift(c, kind))


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's rule; coefficients from the highest power down to the constant."""
    total = lift(coefficients[0], x.code.type)
    for coefficient in coefficients[1:]:
        total = fma(total, x, coefficient)
    return total


def select(condition: Value, yes: Operand, no: Operand) -> Value:
    """Lane by lane `yes if condition else no`; at least one of them must be a `Value`."""
    kind = next(value.code.type for value in (yes, no) if isinstance(value, Value))
    return Value(emit().select(condition.code, lift(yes, kind).code, lift(no, kind).code))


def choose(condition: Value, yes: Pointer, no: Pointer) -> Pointer:
    """The one address or the other."""
    return Pointer(emit().select(condition.code, yes.code, no.code))


def maximum(a: Value, b: Operand) -> Value:
    """The greater of each lane."""
    return select(a > b, a, b)


def minimum(a: Value, b: Operand) -> Value:
    """The smaller of each lane."""
    return select(a < b, a, b)


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
    """Convert whole float32 lanes to int32."""
    return Value(emit().fptosi(x.code, INTS))


def to_float(x: Value) -> Value:
    """Convert a 64-bit integer scalar, or int32 lanes, to float32."""
    kind = FLOATS if isinstance(x.code.type, ir.VectorType) else FLOAT32
    return Value(emit().sitofp(x.code, kind))


def to_int32(x: Value) -> Value:
    """Narrow a 64-bit integer scalar."""
    return Value(emit().trunc(x.code, INT32))


def narrow(x: Value, element: ir.Type) -> Value:
    """Convert lanes to a type of fewer bits: float32 rounded to bfloat16, integers cut."""
    kind = ir.VectorType(element, x.code.type.count)
    shorten = emit().fptrunc if x._kind == "f" else emit().trunc
    return Value(shorten(x.code, kind))


def widen(x: Value, element: ir.Type) -> Value:
    """Convert integer lanes to a type of more bits, filled with 0."""
    return Value(emit().zext(x.code, ir.VectorType(element, x.code.type.count)))


def bits(x: Value, kind: ir.Type) -> Value:
    """Read the bits of a vector as those of another type of the same size."""
    return Value(emit().bitcast(x.code, kind))


def shuffle(a: Value, b: Value, lanes: Sequence[int]) -> Value:
    """The lanes of two vectors, numbered through, in another order."""
    order = ir.Constant(ir.VectorType(INT32, len(lanes)), list(lanes))
    return Value(emit().shuffle_vector(a.code, b.code, order))


def join(a: Value, b: Value) -> Value:
    """The lanes of two vectors as one vector."""
    return shuffle(a, b, range(2 * a.code.type.count))


def reduce(x: Value, combine: Callable[[Value, Value], Value]) -> Value:
    """Fold all lanes into a scalar, always as the same tree: upper half onto lower half."""
    width = LANES
    while width > 1:
        width //= 2
        upper = [(lane + width) % LANES for lane in range(LANES)]
        x = combine(x, shuffle(x, x, upper))
    return Value(emit().extract_element(x.code, INT32(0)))


def outlined(function: Callable[..., None]) -> Callable[..., None]:
    """Emit a function of values once for each module, out of line, and call it from then on.

    What several kernels share is then compiled once.
    """

    @wraps(function)
    def invoke(*arguments: Value) -> None:
        name = f"minner.{function.__name__}"
        callee = emit().module.globals.get(name) or define(name, arguments)
        emit().call(callee, [argument.code for argument in arguments])

    def define(name: str, arguments: Sequence[Value]) -> ir.Function:
        kinds = [argument.code.type for argument in arguments]
        callee = ir.Function(emit().module, ir.FunctionType(ir.VoidType(), kinds), name)
        callee.linkage = "internal"
        callee.attributes.add("noinline")
        _builders.append(ir.IRBuilder(callee.append_basic_block()))
        pairs = zip(arguments, callee.args, strict=True)
        function(*[type(argument)(code) for argument, code in pairs])
        _builders.pop().ret_void()
        return callee

    return invoke


# ---- from Numba -------------------------------------------------------------------------------


def _argument(context: Any, builder: ir.IRBuilder, kind: types.Type, value: ir.Value) -> Any:
    if isinstance(kind, types.Array):
        if kind.layout != "C":
            raise TypeError(f"staged kernels take C-contiguous arrays, not {kind}")
        array = context.make_array(kind)(context, builder, value)
        return Array(array.data, cgutils.unpack_tuple(builder, array.shape))
    if isinstance(kind, types.BaseNamedTuple):
        named: Any = kind  # of whose attributes the stubs of Numba know nothing
        fields = enumerate(named.types)
        return named.instance_class(
            *[
                _argument(context, builder, part, builder.extract_value(value, i))
                for i, part in fields
            ]
        )
    if isinstance(kind, types.Integer):
        return Value(context.cast(builder, value, kind, types.int64))
    raise TypeError(f"staged kernels take arrays, named tuples of them, and integers, not {kind}")


def staged(function: Callable[..., None]) -> Any:
    """Make a staged Python function callable from Numba-compiled code, inlined there."""

    def typing(_context: Any, *kinds: types.Type) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> Any:
            _builders.append(builder)
            try:
                pairs = zip(signature.args, values, strict=True)
                function(*[_argument(context, builder, *pair) for pair in pairs])
            finally:
                _builders.pop()
            return context.get_dummy_value()

        return types.void(*kinds), generate

    parameters = inspect.signature(function).parameters
    names = ["_context", *parameters]
    typing.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    )
    typing.__name__ = function.__name__
    typing.__doc__ = function.__doc__
    return intrinsic(typing)
