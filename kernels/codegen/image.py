"""Machine code as a flat image, which is loaded by a copy and some additions, without a linker.

It is made once, from the object file that LLVM emits for x86-64 Linux: its sections, one after the
other. LLVM's code model for JIT compilers lets sections refer to each other in one way only, by
64-bit addresses. So an image needs no more than a list of these addresses: the load address is
added to each. Objects with anything else in them are refused: other processors, other references,
data that are written.

An image is one line of JSON, then the code:

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
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from minner.kernels.codegen.elf import (
    ADDRESS,
    ALLOC,
    PROGBITS,
    UNDEFINED,
    UNWIND,
    WRITE,
    Section,
    Symbol,
    UnknownObject,
    read_object,
)

LIBC = frozenset({"read", "write", "sched_yield", "clock_gettime", "memcpy", "memset"})
"""What compiled code needs of the process it runs in (see runtime/team.py)."""


# ---- made once ----------------------------------------------------------------------------------


def make_image(object_file: bytes, entry: str) -> bytes:
    """Lay out an object file, whose one entry is the function of that name.

    Raises:
        UnknownObject: it has something in it that an image cannot express, or refers to more of
            the process than LIBC.
    """
    sections, symbols, relocations = read_object(object_file)
    code, starts = _lay_out(sections)
    bases: list[int] = []
    imports: dict[str, list[int]] = defaultdict(list)
    for section, offset, kind, symbol, addend in relocations:
        if section not in starts:
            continue
        if kind != ADDRESS:
            raise UnknownObject(f"a relocation of type {kind}")
        at = starts[section] + offset
        if symbol.section == UNDEFINED and symbol.name in LIBC:
            imports[symbol.name].append(at)
        else:
            bases.append(at)
            addend += _place(symbol, starts)
        code[at : at + 8] = addend.to_bytes(8, "little", signed=True)
    [place] = [_place(symbol, starts) for symbol in symbols if symbol.name == entry]
    line = json.dumps({"entry": place, "bases": bases, "imports": imports})
    return line.encode() + b"\n" + code


def _lay_out(sections: list[Section]) -> tuple[bytearray, dict[int, int]]:
    """The sections that are loaded, one after the other, and where each of them starts."""
    code, starts = bytearray(), {}
    for number, section in enumerate(sections):
        if not section.flags & ALLOC or section.type == UNWIND:  # no exception passes through
            continue
        if section.flags & WRITE or section.type != PROGBITS or section.alignment > mmap.PAGESIZE:
            raise UnknownObject(f"a section of type {section.type}, flags {section.flags}")
        code += bytes(-len(code) % max(section.alignment, 1))
        starts[number] = len(code)
        code += section.content
    return code, starts


def _place(symbol: Symbol, starts: dict[int, int]) -> int:
    if symbol.section not in starts:
        raise UnknownObject(f"{symbol.name!r} is in no section that is loaded")
    return starts[symbol.section] + symbol.value


# ---- loaded by every process --------------------------------------------------------------------


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
    """Add a number to linked."""
    places = np.add.outer(np.array(offsets, dtype=np.intp), np.arange(8))
    code[places] = (code[places].view("<i8") + value).view(np.uint8)


def _map(libc: ctypes.CDLL, size: int) -> int:
    """Ask for memory that Python never frees.

    When Python shuts down, helper threads are still in the code, and nobody waits for them.
    """
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *3 * [ctypes.c_int], ctypes.c_long]
    access, kind = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    address: int = libc.mmap(None, size, access, kind, -1, 0)
    if address == ctypes.c_void_p(-1).value:
        raise _error()
    return address


def _seal(libc: ctypes.CDLL, address: int, size: int) -> None:
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    if libc.mprotect(address, size, mmap.PROT_READ | mmap.PROT_EXEC):
        raise _error()


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
