"""Lone kernels as images: their tests also run where nothing can be compiled, such as under qemu.

NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES=+neon,... python kernel_images.py OUT aarch64
MINNER_KERNEL_IMAGES=OUT python -m pytest test_kernels.py

The first compiles every kernel of `lone_kernels.py` in every precision, on any machine. The second
runs them in a process that cannot import Numba and llvmlite, which only the code that compiles
kernels needs: for it there is something in their place that does nothing.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Kernel = Callable[..., None]

IMAGES = os.environ.get("MINNER_KERNEL_IMAGES", "")

_PROTOTYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Anything(type):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls


class StandIn(metaclass=_Anything):
    """A module, a class, a decorator or what it makes: all that is asked of Numba and llvmlite."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __call__(self, *_: object, **__: object) -> StandIn:
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(StandIn, name)


if IMAGES:
    compilers: Any = StandIn
    for name in ("numba", "numba.core", "numba.extending", "llvmlite", "llvmlite.binding"):
        sys.modules[name] = compilers


def lone_kernel(make: Callable[[str], Kernel]) -> Callable[[str], Kernel]:
    """The kernel that `make` compiles for a precision, or the image of it."""

    @cache
    def kernel(precision: str) -> Kernel:
        return _from_image(make.__name__, precision) if IMAGES else make(precision)

    return kernel


def _file(folder: str | Path, name: str, precision: str) -> Path:
    return Path(folder) / f"{name}.{precision}.bin"


# ---- to run an image ----------------------------------------------------------------------------


def _from_image(name: str, precision: str) -> Kernel:
    from minner.kernels.codegen.image import load_image

    native = _PROTOTYPE(load_image(_file(IMAGES, name, precision).read_bytes()))

    def kernel(*arguments: Any) -> None:
        call = np.array([*_numbers(arguments)], dtype=np.int64)
        native(call.ctypes.data)

    return kernel


def _numbers(argument: Any) -> Iterator[int]:
    """An argument as int64: of an array its address and its shape."""
    if isinstance(argument, tuple):
        for part in argument:
            yield from _numbers(part)
    elif isinstance(argument, np.ndarray):
        assert argument.flags.c_contiguous
        yield from (argument.ctypes.data, *argument.shape)
    else:
        yield argument


# ---- to make it ---------------------------------------------------------------------------------


def _entry(kernel: Kernel, arguments: tuple[Any, ...]) -> Callable[[Any], None]:
    """A function of the int64 that `_numbers` makes of such arguments, which calls the kernel."""
    from minner.kernels.runtime import abi

    names: dict[str, Any] = {"kernel": kernel, "pointer": abi.pointer_at, "carray": abi.carray}
    places = iter(range(1 << 10))

    def read(argument: Any) -> str:
        if isinstance(argument, tuple):
            names[type(argument).__name__] = type(argument)
            return f"{type(argument).__name__}({', '.join(map(read, argument))})"
        if not isinstance(argument, np.ndarray):
            return f"call[{next(places)}]"
        kind = f"{argument.dtype}_"
        names[kind] = argument.dtype.type(0)
        address = f"pointer(call, {next(places)}, {kind})"
        shape = "".join(f"call[{next(places)}], " for _ in argument.shape)
        return f"carray({address}, ({shape}))"

    exec(f"def entry(call): kernel({', '.join(map(read, arguments))})", names)
    return names["entry"]  # type: ignore[no-any-return]


def _arguments(precision: Any) -> dict[str, tuple[Any, ...]]:
    """Every kernel of `lone_kernels.py` with arguments, of which only the types count."""
    import lone_kernels as lone
    from minner.kernels.precision import attention_precision

    inner = attention_precision(precision)
    team, values, scratch = lone.alone(), lone.padded_rows(lone.nans(1, 32)), lone.accumulator()
    x, out = lone.empty_x(precision.layout, 1, 32), lone.empty_product_input(precision, 1, 32)
    layer = lone.layer_of(precision.layout, np.ones((32, 32), np.float32), values[0])
    qkv, norm = lone.empty_qkv(inner, 1, 1, 32), lone.norm_of(values[0], values[0])
    ids, attention_scratch = np.zeros(2, dtype=np.int32), lone.thread_scratch(1, 32)
    return {
        "linear_layer": (team, x, layer, scratch, qkv),
        "linear_gelu": (team, x, layer, scratch, out),
        "linear_residual": (team, x, layer, values, scratch, values),
        "layer_norm": (team, values, norm, 32, x),
        "embed": (team, ids, ids, values, values, norm, 32, values, x),
        "quantise": (team, lone.empty_row_major(precision.unquantised, 1, 32), x),
        "gather_rows": (team, ids, values, out),
        "attention": (team, qkv, ids, 1, 32, attention_scratch, out),
    }


def main(out: Path) -> None:
    """Compile every kernel, and write the images."""
    from numba import types

    import lone_kernels as lone
    from minner.kernels.codegen.build import SYMBOL, build_function
    from minner.kernels.codegen.make_image import make_image
    from minner.kernels.precision import PRECISIONS

    signature = types.void(types.CPointer(types.int64))
    for name, precision in PRECISIONS.items():
        for kernel, arguments in _arguments(precision).items():
            entry = _entry(getattr(lone, kernel)(name), arguments)
            module, machine = build_function(signature, lambda entry=entry: entry)
            _file(out, kernel, name).write_bytes(make_image(machine.emit_object(module), SYMBOL))


if __name__ == "__main__":
    from minner.kernels.codegen.cross import pretend

    pretend(sys.argv[2])
    main(Path(sys.argv[1]))
