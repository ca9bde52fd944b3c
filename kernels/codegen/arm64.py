"""How instructions of 64-bit Arm refer to a place: by its distance.

A distance stays the same wherever the code is loaded, as long as it begins at a page of 4096 bytes.
Types and formulas are those of relocations in
https://github.com/ARM-software/abi-aa/blob/main/aaelf64/aaelf64.rst
"""

from __future__ import annotations

from minner.kernels.codegen.elf import UnknownObject

_ADR_PREL_PG_HI21 = 275
_JUMP26, _CALL26 = 282, 283

_LO12 = {277: 0, 278: 0, 284: 1, 285: 2, 286: 3, 299: 4}
"""Relocations for the lower 12 bits of an address: of an addition, and of loads and stores of 8,
16, 32, 64 and 128 bits; each with the number of zeros at the end, which the instruction omits."""

FAR_JUMP = b"".join(code.to_bytes(4, "little") for code in (0x58000050, 0xD61F0200))
"""`ldr x16, .+8` and `br x16`: jump to the 64-bit address behind. The call convention leaves x16 to
jumps like this one."""


def refer(kind: int, instruction: int, at: int, place: int) -> int:
    """Complete an instruction.

    Args:
        kind: the type of the relocation.
        instruction: its 32 bits; those that refer to the place are 0.
        at: where it is.
        place: what it refers to.

    Raises:
        UnknownObject: the kind is unknown, or the place is out of the instruction's reach.
    """
    if kind in (_CALL26, _JUMP26):
        return instruction | _signed(place - at >> 2, 26)
    if kind == _ADR_PREL_PG_HI21:
        pages = _signed((place >> 12) - (at >> 12), 21)
        return instruction | (pages & 3) << 29 | pages >> 2 << 5
    if kind in _LO12 and place % (1 << _LO12[kind]) == 0:
        return instruction | (place & 0xFFF) >> _LO12[kind] << 10
    raise UnknownObject(f"a relocation of type {kind} to {place:#x}")


def _signed(value: int, bits: int) -> int:
    """A number as a field of so many bits holds it, in two's complement."""
    if not -1 << bits - 1 <= value < 1 << bits - 1:
        raise UnknownObject(f"a reference that needs more than {bits} bits")
    return value & (1 << bits) - 1
