"""Compile the forward pass once, keep its machine code, load it without Numba or LLVM.

An image of the machine code (`image.py`) that is shipped for this target is loaded at once. Where
there is none, the first process imports Numba, compiles for some seconds, and keeps an image in the
cache. Every later process loads that in a millisecond, without Numba or LLVM, and calls it through
ctypes, which releases the GIL. The name of a file in the cache is a digest of all that the code
depends on: the sources of this package, the versions of the compilers, and the processor.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from minner.cache import (
    cache_directory,
    digest_for_name,
    keep_checked,
    read_checked,
    version_of,
)
from minner.errors import MinnerError
from minner.kernels.codegen.host import NO_KERNELS
from minner.kernels.codegen.image import is_image, load_image
from minner.kernels.codegen.shipped import (
    digest_of_sources,
    shipped_image,
    sources_changed_since,
    why_not_shipped,
)
from minner.kernels.codegen.targets import BuiltTarget, target_compiled_for
from minner.kernels.vector.target import TARGET

Forward = Callable[..., None]
"""The native function; its arguments are those of `forward` in `kernels/forward.py`."""

IMPORTED = time.time()
"""Where sources were written later, by an upgrade or an editor, the code may not match the digest
in the name of its file, so it is not cached."""

_PROTOTYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def cache_path(activation: str, precision: str) -> Path:
    """The file that holds the machine code for an activation and precision on this machine."""
    return _place(activation, precision, identity(activation, precision))


def _place(activation: str, precision: str, says: str) -> Path:
    digest = digest_for_name(says.encode())
    return cache_directory() / f"forward-{activation}-{precision}-{digest}.bin"


def identity(activation: str, precision: str) -> str:
    """The line with which kept machine code says what it is, on this machine."""
    version = hashlib.sha256(digest_of_sources().encode())
    for package in ("numba", "llvmlite"):
        version.update(b"\0" + version_of(package))
    parts = {"activation": activation, "precision": precision, "target": repr(TARGET)}
    return json.dumps({"minner": "compiled kernels", **parts, "version": version.hexdigest()})


@cache
def load_forward(activation: str, precision: str) -> Forward:
    """The compiled forward pass: shipped, or from the cache, else compiled and kept.

    Raises:
        MinnerError: there is no Numba to compile with, the system has no memory for the code, or it
            does not let this process run it.
    """
    code = _shipped(activation, precision)
    try:
        address = _load(_kept(activation, precision) if code is None else code)
    except OSError as error:
        raise _loading_error(error) from error
    forward: Forward = _PROTOTYPE(address)
    return forward


def _shipped(activation: str, precision: str) -> bytes | None:
    built = _built_target()
    return None if built is None else shipped_image(built.name, activation, precision)


def _built_target() -> BuiltTarget | None:
    """The target of the table that this process runs code of, if it is one."""
    built = target_compiled_for(TARGET.cpu, TARGET.features)
    return None if built is None or built.has_amx != TARGET.amx else built


def _kept(activation: str, precision: str) -> bytes:
    """The code in the cache; compiled first, if it is not there."""
    says = identity(activation, precision)
    path = _place(activation, precision, says)
    code = read_checked(path, says)
    if code is None:
        code = _compile(activation, precision)
        if not sources_changed_since(IMPORTED):
            keep_checked(path, says, code, "compiled kernels")
    return code


def _loading_error(error: OSError) -> MinnerError:
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError):
        return MinnerError(
            f"the system does not let minner run the code that it has compiled ({reason}): "
            "allow it executable memory, as all JIT compilers need"
        )
    return MinnerError(
        f"the compiled code could not be loaded into memory ({reason}): give this process more "
        "memory, or a higher limit (ulimit -v)"
    )


def _compile(activation: str, precision: str) -> bytes:
    """An image, or an object file where there can be none."""
    try:
        from minner.kernels.codegen.build import SYMBOL, compile_forward
        from minner.kernels.codegen.elf import UnknownObject
        from minner.kernels.codegen.make_image import make_image
    except ImportError as error:
        built = _built_target()
        reason = why_not_shipped(built.name if built else "", activation, precision)
        raise MinnerError(reason or NO_KERNELS) from error
    object_file = compile_forward(activation, precision)
    try:
        return make_image(object_file, SYMBOL)
    except UnknownObject:
        return object_file


def _load(code: bytes) -> int:
    """Where the forward pass begins in memory."""
    if is_image(code):
        return load_image(code)
    from minner.kernels.codegen.build import link

    return link(code)
