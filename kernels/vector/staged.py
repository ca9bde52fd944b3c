"""The staged vector language: ordinary-looking Python that runs while a kernel is being compiled.

Numba's compiler calls a function under `@staged` once, with objects that stand for the kernel's
arguments. Their operators compute nothing: they emit LLVM instructions. So Python's own `for` and
`if` unroll and specialise, while `loop(...)` and `when(...)` emit loops and branches::

    @staged
    def halve(x):                               # called from an @njit function
        for row in loop(x.shape[0]):            # a loop of the kernel
            for half in range(2):               # unrolled: two vectors
                at = x[row, half * LANES]       # an address
                at.store(at.load() * 0.5)

A vector has `LANES` float32 lanes and fills one register of the host. The operations
are in `values.py`, `control.py` and `instructions.py`; the host's sizes are in `target.py`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minner.kernels.vector.internals import array_parts
from minner.kernels.vector.values import Array, Value, builders


def _argument(context: Any, builder: ir.IRBuilder, kind: types.Type, value: ir.Value) -> Any:
    if isinstance(kind, types.Array):
        if kind.layout != "C":
            raise TypeError(f"staged kernels take C-contiguous arrays, not {kind}")
        return Array(*array_parts(context, builder, kind, value))
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
            builders.append(builder)
            try:
                pairs = zip(signature.args, values, strict=True)
                function(*[_argument(context, builder, *pair) for pair in pairs])
            finally:
                builders.pop()
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
