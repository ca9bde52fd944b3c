"""What a relocatable object file holds: sections, and relocations between them.

The format is ELF, 64 bits, little endian, for x86-64. Numbers and the order of fields are those of
https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html, chapter 4.
"""

from __future__ import annotations

from struct import iter_unpack, unpack_from
from typing import NamedTuple

_IDENT, _RELOCATABLE, _X86_64 = b"\x7fELF\x02\x01", 1, 62
_HEADER, _SECTION, _SYMBOL, _RELOCATION = "<HHIQQQIHHHHHH", "<IIQQQQIIQQ", "<IBBHQQ", "<QIIq"

PROGBITS, _SYMTAB, _RELA, _REL, UNWIND = 1, 2, 4, 9, 0x70000001
"""Types of sections: code and data, symbols, relocations with and without addends, and what
debuggers and C++ need to walk the stack."""

WRITE, ALLOC = 1, 2
"""Flags of sections: what is written while the program runs, and what is in memory at all."""

UNDEFINED = 0
"""The section of a symbol that another object defines."""

ADDRESS = 1
"""The type of a relocation that asks for 64 bits: the address of symbol + addend."""


class UnknownObject(ValueError):
    """An object file of another kind, or with something in it that is not expected there."""


class Section(NamedTuple):
    """A section; `link` and `info` are numbers of other sections."""

    type: int
    flags: int
    alignment: int
    link: int
    info: int
    content: bytes


class Symbol(NamedTuple):
    """A name for a place: `value` bytes into a section."""

    name: str
    section: int
    value: int


class Relocation(NamedTuple):
    """What is to be written `offset` bytes into a section."""

    section: int
    offset: int
    type: int
    symbol: Symbol
    addend: int


class ObjectFile(NamedTuple):
    """The parts of an object file; sections are named by their index."""

    sections: list[Section]
    symbols: list[Symbol]
    relocations: list[Relocation]


def read_object(file: bytes) -> ObjectFile:
    """Take an object file apart.

    Raises:
        UnknownObject: it is none of x86-64 Linux.
    """
    if not file.startswith(_IDENT):
        raise UnknownObject("not ELF of 64 bits, little endian")
    kind, machine, _, _, _, start, _, _, _, _, size, count, _ = unpack_from(_HEADER, file, 16)
    if (kind, machine) != (_RELOCATABLE, _X86_64):
        raise UnknownObject("not a relocatable object for x86-64")
    sections = [
        Section(kind, flags, alignment, link, info, file[offset : offset + length])
        for _, kind, flags, _, offset, length, link, info, alignment, _ in iter_unpack(
            _SECTION, file[start : start + size * count]
        )
    ]
    symbols = _symbols(sections)
    return ObjectFile(sections, symbols, _relocations(sections, symbols))


def _symbols(sections: list[Section]) -> list[Symbol]:
    tables = [section for section in sections if section.type == _SYMTAB]
    if len(tables) != 1:
        raise UnknownObject(f"{len(tables)} symbol tables")
    names = sections[tables[0].link].content
    return [
        Symbol(names[name : names.index(b"\0", name)].decode(), section, value)
        for name, _, _, section, value, _ in iter_unpack(_SYMBOL, tables[0].content)
    ]


def _relocations(sections: list[Section], symbols: list[Symbol]) -> list[Relocation]:
    relocations = []
    for section in sections:
        if section.type == _REL:
            raise UnknownObject("relocations without addends")
        if section.type == _RELA:
            relocations += [
                Relocation(section.info, offset, kind, symbols[symbol], addend)
                for offset, kind, symbol, addend in iter_unpack(_RELOCATION, section.content)
            ]
    return relocations
