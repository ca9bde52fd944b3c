"""Control flow of a kernel that is being compiled: loops, branches, and functions of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from llvmlite import ir

from minner.kernels.vector.values import INT64, Value, ValueLike, Variable, builders, emit, lift


def loop(start: ValueLike, stop: ValueLike | None = None, step: ValueLike = 1) -> Iterator[Value]:
    """Emit a counting loop. The body of the Python `for` around it is emitted once."""
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
    """Emit a loop that runs while a condition holds; the condition is emitted at its head."""
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


def outlined(function: Callable[..., None]) -> Callable[..., None]:
    """Emit a function once for each module, out of line, and call it from then on.

    So what several kernels share is compiled once. Its arguments are values, or records of them: a
    NamedTuple becomes one argument of the emitted function for each of its fields.
    """

    @wraps(function)
    def invoke(*arguments: Any) -> None:
        values = list(_flattened(arguments))
        name = f"minner.{function.__name__}"
        callee = emit().module.globals.get(name) or define(name, arguments, values)
        emit().call(callee, [value.code for value in values])

    def define(name: str, arguments: Sequence[Any], values: Sequence[Value]) -> ir.Function:
        kinds = [value.code.type for value in values]
        callee = ir.Function(emit().module, ir.FunctionType(ir.VoidType(), kinds), name)
        callee.linkage = "internal"
        callee.attributes.add("noinline")
        builders.append(ir.IRBuilder(callee.append_basic_block()))
        codes = iter(callee.args)
        function(*[_rebuilt(argument, codes) for argument in arguments])
        builders.pop().ret_void()
        return callee

    return invoke


def _flattened(arguments: Sequence[Any]) -> Iterator[Value]:
    for argument in arguments:
        if isinstance(argument, tuple):
            yield from _flattened(argument)
        else:
            yield argument


def _rebuilt(like: Any, codes: Iterator[ir.Value]) -> Any:
    """Values and records as `like` has them, of the next values of LLVM."""
    if isinstance(like, tuple):
        return type(like)(*[_rebuilt(part, codes) for part in like])
    return type(like)(next(codes))
