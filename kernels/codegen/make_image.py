"""Make an image (`image.py`) of an object file: its sections, one after the other.

Sections refer to each other, and to the C library. On x86-64, LLVM's code model for JIT compilers
has one kind of reference, the 64-bit address: the loader adds what only it knows. On 64-bit Arm,
the small code model has instructions that hold a distance: within an image it is known now
(`arm64.py`). The C library may be further away than a call reaches, so a call to it goes to two
instructions at the end of the image, which jump to a 64-bit address. Objects with anything else in
them are refused: other processors, other references, data that are written.
"""

from __future__ import annotations

import json
import mmap
from collections import defaultdict

from minner.kernels.codegen import arm64
from minner.kernels.codegen.elf import (
    ALLOC,
    PROGBITS,
    UNDEFINED,
    UNWIND,
    WRITE,
    Relocation,
    Section,
    Symbol,
    UnknownObject,
    read_object,
)

LIBC = frozenset({"read", "write", "sched_yield", "clock_gettime", "memcpy", "memset"})
"""What compiled code needs of the process it runs in (see runtime/team.py)."""

_ADDRESS = {"x86_64": 1, "aarch64": 257}
"""The type of a relocation that asks for 64 bits: the address of symbol + addend."""


def make_image(object_file: bytes, entry: str) -> bytes:
    """Lay out an object file, whose one entry is the function of that name.

    Raises:
        UnknownObject: it has something in it that an image cannot express, or refers to more of
            the process than LIBC.
    """
    machine, sections, symbols, relocations = read_object(object_file)
    draft = _Draft(sections)
    for relocation in relocations:
        if relocation.section not in draft.starts:
            continue
        if relocation.type == _ADDRESS[machine]:
            draft.write_address(relocation)
        elif machine == "aarch64":
            draft.write_distance(relocation)
        else:
            raise UnknownObject(f"a relocation of type {relocation.type}")
    [place] = [draft.place(symbol) for symbol in symbols if symbol.name == entry]
    line = json.dumps({"entry": place, "bases": draft.bases, "imports": draft.imports})
    return line.encode() + b"\n" + draft.code


class _Draft:
    """An image in the making.

    Attributes:
        code: all sections that are loaded, one after the other.
        starts: where each of them starts, by its number.
        bases: places to which the load address is to be added.
        imports: places to which the address of a function of the C library is to be added.
    """

    def __init__(self, sections: list[Section]) -> None:
        self.code, self.starts = _lay_out(sections)
        self.bases: list[int] = []
        self.imports: dict[str, list[int]] = defaultdict(list)
        self._jumps: dict[str, int] = {}

    def place(self, symbol: Symbol) -> int:
        """Where a symbol of the object is."""
        if symbol.section not in self.starts:
            raise UnknownObject(f"{symbol.name!r} is in no section that is loaded")
        return self.starts[symbol.section] + symbol.value

    def write_address(self, relocation: Relocation) -> None:
        """Write the addend, and the place within the image; the loader adds the base."""
        at, symbol, value = self._at(relocation), relocation.symbol, relocation.addend
        if _is_import(symbol):
            self.imports[symbol.name].append(at)
        else:
            self.bases.append(at)
            value += self.place(symbol)
        self.code[at : at + 8] = value.to_bytes(8, "little", signed=True)

    def write_distance(self, relocation: Relocation) -> None:
        """Complete an instruction of 64-bit Arm."""
        at, symbol = self._at(relocation), relocation.symbol
        place = self._jump(symbol.name) if _is_import(symbol) else self.place(symbol)
        instruction = int.from_bytes(self.code[at : at + 4], "little")
        instruction = arm64.refer(relocation.type, instruction, at, place + relocation.addend)
        self.code[at : at + 4] = instruction.to_bytes(4, "little")

    def _at(self, relocation: Relocation) -> int:
        return self.starts[relocation.section] + relocation.offset

    def _jump(self, name: str) -> int:
        """Where the jump to a function of the C library is."""
        if name not in self._jumps:
            self.code += bytes(-len(self.code) % 8)
            self._jumps[name] = len(self.code)
            self.code += arm64.FAR_JUMP
            self.imports[name].append(len(self.code))
            self.code += bytes(8)
        return self._jumps[name]


def _is_import(symbol: Symbol) -> bool:
    return symbol.section == UNDEFINED and symbol.name in LIBC


def _lay_out(sections: list[Section]) -> tuple[bytearray, dict[int, int]]:
    """The sections that are loaded, one after the other, and where each of them starts."""
    code, starts = bytearray(), {}
    for number, section in enumerate(sections):
        if not section.flags & ALLOC or section.name == UNWIND:  # no exception passes through
            continue
        if section.flags & WRITE or section.type != PROGBITS or section.alignment > mmap.PAGESIZE:
            raise UnknownObject(f"a section of type {section.type}, flags {section.flags}")
        code += bytes(-len(code) % max(section.alignment, 1))
        starts[number] = len(code)
        code += section.content
    return code, starts
