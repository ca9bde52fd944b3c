"""Machine code as a flat image, which is loaded by a copy and some additions, without a linker.

`make_image.py` makes it once, from the object file that LLVM emits for Linux. An image is one line
of JSON, then the code:

    {"entry": 1072, "bases": [509, ...], "imports": {"memset": [1740, ...], ...}}

`entry` is where its function begins, `bases` are the places to which the load address is added,
`imports` those to which the address of a function of the C library is added. All are offsets in
bytes. A place holds 64 bits, little endian, and need not be aligned.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SMALL_PAGES = 15
"""MADV_NOHUGEPAGE of Linux."""


def is_image(content: bytes) -> bool:
    """Whether this is an image, not an object file."""
    return content.startswith(b"{")


def load_image(content: bytes) -> int:
    """Load an image for as long as the process lives; returns the address of its entry.

    The memory is never writable and executable at once.

    Raises:
        OSError: the system has no memory for it, or (PermissionError) lets this process run no code
            that it has written itself.
    """
    line, _, code = content.partition(b"\n")
    contents = json.loads(line)
    linked = np.frombuffer(code, dtype=np.uint8).copy()
    libc = ctypes.CDLL(None, use_errno=True)
    address = _map(libc, len(linked))
    _add(linked, contents["bases"], address)
    for name, offsets in contents["imports"].items():
        _add(linked, offsets, ctypes.cast(libc[name], ctypes.c_void_p).value or 0)
    ctypes.memmove(address, linked.ctypes.data, len(linked))
    _seal(libc, address, len(linked))
    return address + int(contents["entry"])


def _add(code: NDArray[np.uint8], offsets: Sequence[int], value: int) -> None:
    """Add `value` to the 64-bit number at each offset of `code`."""
    places = np.add.outer(np.array(offsets, dtype=np.intp), np.arange(8))
    code[places] = (code[places].view("<i8") + value).view(np.uint8)


def _map(libc: ctypes.CDLL, size: int) -> int:
    """Ask for memory that Python never frees.

    When Python shuts down, helper threads are still in the code, and nobody waits for them. An Arm
    processor must be told that memory holds new instructions: Linux does that when a page becomes
    executable for the first time. So no image may lie in a huge page together with an earlier one.
    """
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *3 * [ctypes.c_int], ctypes.c_long]
    access, kind = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    address: int = libc.mmap(None, size, access, kind, -1, 0)
    if address == ctypes.c_void_p(-1).value:
        raise _error()
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.madvise(address, size, _SMALL_PAGES)  # fails where Linux has no huge pages at all
    return address


def _seal(libc: ctypes.CDLL, address: int, size: int) -> None:
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    if libc.mprotect(address, size, mmap.PROT_READ | mmap.PROT_EXEC):
        raise _error()


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
