"""Copies of engines in which each CPUID instruction traps, for machines that cannot have it fault.

An engine that asks the processor itself, and has no setting to limit it, is copied. In its shared
libraries an invalid instruction of the same length takes the place of CPUID; `avx2.c` answers it.
Needs objdump and readelf.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

CPUID, TRAP = b"\x0f\xa2", b"\x0f\x04"

SITE = re.compile(r"^\s*([0-9a-f]+):\s+cpuid", re.MULTILINE)
SEGMENT = re.compile(r"^\s*LOAD\s+(0x\w+)\s+(0x\w+)\s+0x\w+\s+(0x\w+)", re.MULTILINE)
"""Offset in the file, address, and size in the file."""


def copy_that_traps(package: str, folder: Path) -> None:
    """Copy an installed package into a folder, once for each version of it.

    Raises:
        SystemExit: it is not installed.
    """
    found = find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"{package} is not installed")
    original, copy = Path(found.origin).parent, folder / package
    if original == copy:
        return
    mark, stamp = folder / f"{package}.original", f"{original} {original.stat().st_mtime_ns}"
    if mark.is_file() and mark.read_text(encoding="utf-8") == stamp:
        return
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(original, copy, symlinks=True)
    for library in copy.rglob("*.so*"):
        if not library.is_symlink():
            _replace_cpuid(library)
    mark.write_text(stamp, encoding="utf-8")


def _replace_cpuid(library: Path) -> None:
    content = bytearray(library.read_bytes())
    if CPUID not in content:
        return
    for place in _places_of_cpuid(library):
        assert content[place : place + 2] == CPUID, f"{library}, byte {place}"
        content[place : place + 2] = TRAP
    library.write_bytes(content)


def _places_of_cpuid(library: Path) -> Iterator[int]:
    """Where in the file its CPUID instructions are: those bytes stand elsewhere, too."""
    segments = [
        tuple(int(number, 16) for number in found)
        for found in SEGMENT.findall(_output("readelf", "--program-headers", "--wide", library))
    ]
    for site in SITE.findall(_output("objdump", "--disassemble", "--no-show-raw-insn", library)):
        address = int(site, 16)
        for offset, start, size in segments:
            if start <= address < start + size:
                yield address - start + offset


def _output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
