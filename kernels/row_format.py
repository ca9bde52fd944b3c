"""How a kernel stores the rows that it computes: where values go, and in which type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minner.kernels.vector.instructions import join
from minner.kernels.vector.target import CACHE_LINE, LANES, NR
from minner.kernels.vector.values import Array, Pointer, Value, ValueLike

Pack = Callable[[Pointer, Value], None]


@dataclass(frozen=True)
class RowFormat:
    """How rows of values are stored.

    Attributes:
        place: the address of a value: `(array, row, column)`.
        pack: converts values and stores them there.
        per_dword: values in a dword.
    """

    place: Callable[[Array, Value, ValueLike], Pointer]
    pack: Pack
    per_dword: int

    def write(self, out: Array, row: Value, column: ValueLike, halves: list[Value]) -> None:
        """Store NR values of a row, given as two vectors, from a column on.

        If both vectors share a cache line, they are stored at once. Another core may still hold the
        line: one store waits once for that core to give it up, two would wait twice.
        """
        if CACHE_LINE * self.per_dword >= NR:
            self.pack(self.place(out, row, column), join(*halves))
            return
        for half, values in enumerate(halves):
            self.pack(self.place(out, row, column + half * LANES), values)
