"""Rows of the kernels' buffers as plain arrays, and back.

`minner/kernels/runtime/operand_layout.py` describes the layouts. A dword holds one float32, or two
bfloat16, the first in its lower half.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minner.kernels.vector.target import CACHE_LINE
from minner.weights.numbers import to_bfloat16

Floats = NDArray[np.float32]
Dwords = NDArray[np.float32]


def values_of(dwords: Dwords, per_dword: int) -> Floats:
    """float32 `[..., K]` of dwords `[..., K / per_dword]`."""
    if per_dword == 1:
        return dwords.copy()
    halves = np.ascontiguousarray(dwords).view(np.uint16).astype(np.uint32) << 16
    return halves.view(np.float32)


def dwords_of(values: Floats, per_dword: int) -> Dwords:
    """The reverse; bfloat16 is rounded to the nearest."""
    if per_dword == 1:
        return np.ascontiguousarray(values, dtype=np.float32)
    return np.ascontiguousarray(to_bfloat16(values)).view(np.float32)


class Blocks:
    """x `[T, K]` as a product reads it: in blocks of `mr` rows, one cache line of each in turn.

    Attributes:
        whole: its dwords with all of the last block.
    """

    def __init__(self, x: Dwords, mr: int, per_dword: int) -> None:
        """View the rows of a `ProductInput`, whose last block is whole in memory."""
        rows, dwords = x.shape
        whole = np.lib.stride_tricks.as_strided(x, (-(-rows // mr) * mr, dwords))
        self.whole = whole
        self._blocks = whole.reshape(-1, dwords // CACHE_LINE, mr, CACHE_LINE).swapaxes(1, 2)
        self._rows, self._per_dword = rows, per_dword

    def read(self) -> Floats:
        """The values, float32 `[T, K]`."""
        dwords = self._blocks.reshape(-1, self._blocks.shape[2] * CACHE_LINE)
        return values_of(dwords[: self._rows], self._per_dword)

    def write(self, values: Floats) -> None:
        """Set all values, `[T, K]`."""
        rows = np.zeros((len(self._blocks) * self._blocks.shape[1], values.shape[1]), np.float32)
        rows[: self._rows] = values
        self._blocks[...] = dwords_of(rows, self._per_dword).reshape(self._blocks.shape)


class Lines:
    """Rows `[T, K]` that lie one after the other."""

    def __init__(self, rows: Dwords, per_dword: int) -> None:
        """View the rows."""
        self._dwords, self._per_dword = rows, per_dword

    def read(self) -> Floats:
        """The values, float32 `[T, K]`."""
        return values_of(self._dwords, self._per_dword)

    def write(self, values: Floats) -> None:
        """Set all values, `[T, K]`."""
        self._dwords[...] = dwords_of(values, self._per_dword)


def written_rows(rows: Dwords, layout: Any) -> Blocks | Lines:
    """What a kernel writes for the next product: as x, or in lines if it is quantised first."""
    if layout.quantised:
        return Lines(rows, layout.unquantised_per_dword)
    return Blocks(rows, layout.mr, layout.x_per_dword)
