"""What a relocatable object file holds: sections, and relocations between them.

The format is ELF, 64 bits, little endian, for x86-64 and 64-bit Arm. Numbers and the order of
fields are those of https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html, chapter 4.
"""

from __future__ import annotations

from struct import iter_unpack, unpack_from
from typing import NamedTuple

_IDENT, _RELOCATABLE = b"\x7fELF\x02\x01", 1
_MACHINES = {62: "x86_64", 183: "aarch64"}
_HEADER, _SECTION, _SYMBOL, _RELOCATION = "<HHIQQQIHHHHHH", "<IIQQQQIIQQ", "<IBBHQQ", "<QIIq"

PROGBITS, _SYMTAB, _RELA, _REL = 1, 2, 4, 9
"""Types of sections: code and data, symbols, relocations with and without addends."""

UNWIND = ".eh_frame"
"""The name of the section that debuggers and C++ need to walk the stack."""

WRITE, ALLOC = 1, 2
"""Flags of sections: what is written while the program runs, and what is in memory at all."""

UNDEFINED = 0
"""The section of a symbol that another object defines."""


class UnknownObject(ValueError):
    """An object file of another kind, or with something in it that is not expected there."""


class Section(NamedTuple):
    """A section; `link` and `info` are numbers of other sections."""

    name: str
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
    """The parts of an object file; sections are referred to by their index.

    `machine` is what `uname -m` says of one that runs it.
    """

    machine: str
    sections: list[Section]
    symbols: list[Symbol]
    relocations: list[Relocation]


def read_object(file: bytes) -> ObjectFile:
    """Take an object file apart.

    Raises:
        UnknownObject: it is none of Linux on x86-64 or 64-bit Arm.
    """
    if not file.startswith(_IDENT):
        raise UnknownObject("not ELF of 64 bits, little endian")
    kind, machine, _, _, _, start, _, _, _, _, size, count, names = unpack_from(_HEADER, file, 16)
    if kind != _RELOCATABLE or machine not in _MACHINES:
        raise UnknownObject("not a relocatable object for x86-64 or 64-bit Arm")
    sections = _sections(file, file[start : start + size * count], names)
    symbols = _symbols(sections)
    return ObjectFile(_MACHINES[machine], sections, symbols, _relocations(sections, symbols))


def _sections(file: bytes, headers: bytes, names: int) -> list[Section]:
    """The sections; the one whose number is `names` holds their names."""
    rows = list(iter_unpack(_SECTION, headers))
    contents = [file[row[4] : row[4] + row[5]] for row in rows]
    return [
        Section(_text(contents[names], name), kind, flags, alignment, link, info, content)
        for (name, kind, flags, _, _, _, link, info, alignment, _), content in zip(
            rows, contents, strict=True
        )
    ]


def _symbols(sections: list[Section]) -> list[Symbol]:
    tables = [section for section in sections if section.type == _SYMTAB]
    if len(tables) != 1:
        raise UnknownObject(f"{len(tables)} symbol tables")
    names = sections[tables[0].link].content
    return [
        Symbol(_text(names, name), section, value)
        for name, _, _, section, value, _ in iter_unpack(_SYMBOL, tables[0].content)
    ]


def _text(names: bytes, start: int) -> str:
    """The text in a table of names that begins at a place, and ends at a zero byte."""
    return names[start : names.index(b"\0", start)].decode()


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
