"""How the operands of a matrix product lie in memory, by precision. Known without Numba.

A product reads x `[T, K]` in row strips of `mr` rows. Within a strip, one cache line of every row
stands beside the same line of the next row, so that what a microtile reads at once lies together:

    strip 0:  row 0, dwords 0-15 | row 1, dwords 0-15 | ... | row mr-1, dwords 0-15
              row 0, dwords 16-31 | row 1, dwords 16-31 | ...
    strip 1:  row mr, dwords 0-15 | ...

Weights `[N, K]` are micropanels of NR columns: `[N / NR, dwords of K, NR]`. For AMX, each
micropanel is cut further into AMX tiles of 16 dwords by 16 columns.

Without a dot product of int8, four products are summed up as int16: those of two neighbouring
values of K, and of the same two in the next dword. Of each eight values of K

    0 1 . . | 4 5 . .  are a group,  . . 2 3 | . . 6 7  another.

The weights are so small that no such sum overflows (`SUM16` in weights/numbers.py).
"""

from __future__ import annotations

from typing import NamedTuple

from minner.kernels.vector.target import AMX_TILE, MR, TARGET


class OperandLayout(NamedTuple):
    """How many neighbouring values of K share a dword, and how rows are blocked."""

    weights_per_dword: int  # values of a weight
    x_per_dword: int  # values of x: fewer where the host cannot multiply the weights' own type
    quantised: bool = False  # whether x has a scale per row, and weights one per column
    mr: int = MR  # rows of x in a row strip
    unquantised_per_dword: int = 1  # values of what will be quantised
    amx: bool = False  # whether products run on AMX tiles
    sums_int16: bool = False  # whether four products are summed up as int16


MULTIPLIES_BFLOAT16 = TARGET.amx or bool(TARGET.bfloat16_dot)
"""Whether the host has fast instructions that multiply bfloat16."""

SUMS_INT16 = bool(TARGET.int8_pairs) and not TARGET.amx
"""Whether the host multiplies int8 by an instruction whose sums are int16."""

QMAX_OF_INT8 = 127
"""The largest quantised value."""

QMAX_OF_INT16 = 511
"""The same where x is stored as int16 anyway: it gets 10 bits instead of 8. More would let int32
sums overflow in fewer products than models need: `WIDEST` in weights/pack.py is how many are
safe."""

MULTIPLIES_INT8 = TARGET.amx or bool(TARGET.int8_dot) or SUMS_INT16
"""Whether the host has instructions that multiply int8."""

FAST = {"float32": True, "bfloat16": MULTIPLIES_BFLOAT16, "int8": MULTIPLIES_INT8}
"""Whether the host has the instructions that make a precision fast. Without them it is slow, and
the results are right all the same."""

SHORT_MR = 4
"""Rows of the largest microtile where the dot product needs temporaries and there are only 16
registers."""


def _mr(one_instruction: bool) -> int:
    """MR of bfloat16 and int8, by whether their dot product is one instruction."""
    if TARGET.amx:
        return AMX_TILE
    return SHORT_MR if not one_instruction and TARGET.registers == 16 else MR


FLOAT32_LAYOUT = OperandLayout(weights_per_dword=1, x_per_dword=1)

OPERAND_LAYOUTS = {
    "float32": FLOAT32_LAYOUT,
    "bfloat16": OperandLayout(
        weights_per_dword=2,
        x_per_dword=2 if MULTIPLIES_BFLOAT16 else 1,
        mr=_mr(MULTIPLIES_BFLOAT16),
        amx=TARGET.amx,
    ),
    "int8": OperandLayout(
        weights_per_dword=4,
        x_per_dword=4 if MULTIPLIES_INT8 else 2,
        quantised=True,
        mr=_mr(MULTIPLIES_INT8 and not SUMS_INT16),
        unquantised_per_dword=2 if MULTIPLIES_BFLOAT16 else 1,
        amx=TARGET.amx,
        sums_int16=SUMS_INT16,
    ),
}
"""The layout of each precision, by the names that `minner.load` takes."""


def attention_name(precision: str) -> str:
    """The precision of attention's products in a model of a precision.

    It is bfloat16 under bfloat16 and int8 where the host multiplies that, else float32.
    """
    return "bfloat16" if precision != "float32" and MULTIPLIES_BFLOAT16 else "float32"
