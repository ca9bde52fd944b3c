"""How the operands of each precision lie in memory on this host. Known without Numba."""

from __future__ import annotations

from typing import NamedTuple

from minner.kernels.target import TARGET


class Form(NamedTuple):
    """How many neighbouring values of K share a 32-bit word of a product's operands."""

    step: int  # in the weights
    x_step: int  # in x: fewer where the host has no instruction for the weights' own form
    quantised: bool = False  # whether x has a scale per row, and weights one per column
    tiled: bool = False  # whether both lie in blocks of 16 by 16 words, for matrix registers


HAS_PAIRS = TARGET.tiles or bool(TARGET.pair_dot)
"""Whether the host multiplies bfloat16."""

HAS_QUADS = TARGET.tiles or bool(TARGET.quad_dot)
"""Whether the host multiplies int8 and adds up in int32."""

PLAIN = Form(step=1, x_step=1)

FORMS = {
    "float32": PLAIN,
    "bfloat16": Form(step=2, x_step=2 if HAS_PAIRS else 1, tiled=TARGET.tiles),
    "int8": Form(4, x_step=4 if HAS_QUADS else 2, quantised=True, tiled=TARGET.tiles),
}
"""By the names that `minner.load` takes."""


def attention_name(precision: str) -> str:
    """What attention multiplies in: bfloat16 under bfloat16 and int8 where that is faster."""
    return "bfloat16" if precision != "float32" and HAS_PAIRS else "float32"
