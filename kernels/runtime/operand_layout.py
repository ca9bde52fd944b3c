"""How the operands of each precision lie in memory on this host. Known without Numba.

x `[T, K]` lies in blocks of `rows` rows by TILE words, each continuous, so that what a tile of a
product needs at once stands together, at constant distances. So does a weight for matrix registers;
for vector registers it is a panel, row after row.
"""

from __future__ import annotations

from typing import NamedTuple

from minner.kernels.vector.target import ROWS, TARGET, TILE


class Form(NamedTuple):
    """How many neighbouring values of K share a 32-bit word of a product's operands."""

    step: int  # in the weights
    x_step: int  # in x: fewer where the host has no instruction for the weights' own form
    quantised: bool = False  # whether x has a scale per row, and weights one per column
    rows: int = ROWS  # of x that lie together
    given_step: int = 1  # in what will be quantised
    tiled: bool = False  # whether weights lie in blocks of TILE by TILE words


HAS_PAIRS = TARGET.tiles or bool(TARGET.pair_dot)
"""Whether the host multiplies bfloat16."""

HAS_QUADS = TARGET.tiles or bool(TARGET.quad_dot)
"""Whether the host multiplies int8 and adds up in int32."""

FAST = {"float32": True, "bfloat16": HAS_PAIRS, "int8": HAS_QUADS}
"""Whether the host has the instructions that make a precision fast; right it is without them."""


def _rows(unpacked: bool) -> int:
    """Rows of a tile of bfloat16 or int8; unpacking weights takes registers, too."""
    if TARGET.tiles:
        return TILE
    return 4 if unpacked and TARGET.registers == 16 else ROWS


PLAIN = Form(step=1, x_step=1)

FORMS = {
    "float32": PLAIN,
    "bfloat16": Form(2, 2 if HAS_PAIRS else 1, rows=_rows(not HAS_PAIRS), tiled=TARGET.tiles),
    "int8": Form(
        step=4,
        x_step=4 if HAS_QUADS else 2,
        quantised=True,
        rows=_rows(not HAS_QUADS),
        given_step=2 if HAS_PAIRS else 1,
        tiled=TARGET.tiles,
    ),
}
"""By the names that `minner.load` takes."""


def attention_name(precision: str) -> str:
    """What attention multiplies in: bfloat16 under bfloat16 and int8 where that is faster."""
    return "bfloat16" if precision != "float32" and HAS_PAIRS else "float32"
