"""The three precisions: how numbers share a dword, and which instruction multiplies dwords.

A dword is 32 bits: one float32, two neighbouring values of K in bfloat16, or four in int8. One
instruction multiplies all values of a dword of x by those of a dword of weights and adds them up.
So a micropanel is `[dwords of K, NR]` and a row of x is a row of dwords in every precision: if you
know the float32 product, you know all three.

Where the host has no such instruction, the kernel uses several: usually on the same packed weights
and another form of x.

| precision | host | a dword of x | sums |
|---|---|---|---|
| float32 | every | one float32 | float32 |
| bfloat16 | AMX, or a fast dot product (AMD's AVX-512 BF16, Arm's BF16) | two bfloat16 | float32 |
| | any other: weights are converted to float32 in registers | one float32 | float32 |
| int8 | AMX, or a dot product (VNNI, Arm's dot product) | four int8 | int32, exact |
| | AVX2 and AVX-512 without: weights are made smaller | four int8 | int16, then int32, exact |
| | any other: weights are converted to int16 in registers | two int16 | int32, exact |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from minner.kernels.dot_product import Dot, bfloat16_dot, float32_dot, int8_dot
from minner.kernels.row_format import Pack, RowFormat
from minner.kernels.runtime.operand_layout import (
    MULTIPLIES_BFLOAT16,
    MULTIPLIES_INT8,
    OPERAND_LAYOUTS,
    QMAX_OF_INT8,
    QMAX_OF_INT16,
    SUMS_INT16,
    OperandLayout,
    attention_name,
)
from minner.kernels.vector.instructions import bits, narrow, shuffle, widen
from minner.kernels.vector.target import AMX_MC, CACHE_LINE, LANES, TARGET, VECTOR_MC
from minner.kernels.vector.values import (
    BFLOAT16,
    FLOATS,
    INT8,
    INT16,
    INT32,
    INT64,
    INTS,
    Array,
    Pointer,
    Value,
    ValueLike,
    lift,
)

AMX_ROW_PREFERENCE = 16
"""`Precision.row_preference` on AMX tiles; measured on a Xeon."""


@dataclass(frozen=True)
class Precision:
    """What the kernels need to know of a precision on this host.

    Attributes:
        name: as `minner.load` takes it.
        layout: how many values share a dword, and how rows are blocked.
        dot: `(sums, dwords of x, dwords of weights) -> sums`, all of them vectors.
        dwords_per_dot: how many dwords of weights that one `dot` consumes; 1 or 2.
        pack: `(address, values)` stores one vector of values as dwords of x. Where x is quantised
            they are int32, of which the lowest bits are stored.
        unpack: reads LANES values of this precision as float32; of float32 and bfloat16 only.
        amx_dot: the instruction that does what `dot` does on AMX tiles, by its name in LLVM, or "".
        sums: the type of the sums, FLOATS or INTS.
        steps: how many there are between the smallest quantised value of x and the largest; 0
            where nothing is quantised.
        lowest: the smallest quantised value of x.
    """

    name: str
    layout: OperandLayout
    dot: Dot
    pack: Pack
    unpack: Callable[[Pointer], Value] = Pointer.load
    dwords_per_dot: int = 1
    amx_dot: str = ""
    sums: ir.Type = FLOATS
    steps: int = 0
    lowest: int = 0

    @property
    def x_per_weight(self) -> int:
        """How many dwords of x are multiplied by one dword of weights."""
        return self.layout.weights_per_dword // self.layout.x_per_dword

    @property
    def mc(self) -> int:
        """MC, at most: rows of x multiplied by one micropanel before the next."""
        return AMX_MC if self.layout.amx else VECTOR_MC

    @property
    def row_preference(self) -> int:
        """Threads share a layer's rows where `N * threads < row_preference * T`, else micropanels.

        Then each thread reads all weights, but finds in its cache the rows that it wrote itself.
        The faster the products are, the sooner that pays.
        """
        return AMX_ROW_PREFERENCE if self.layout.amx else 1

    # ---- where values lie; `operand_layout.py` has a picture of blocked rows --------------------

    def row(self, x: Pointer, dwords: ValueLike, row: Value) -> Pointer:
        """The first dword of a row of x `[T, dwords]`, which is blocked."""
        mr = self.layout.mr
        return x + (row // mr * (lift(dwords, INT64) * mr) + row % mr * CACHE_LINE)

    def place(self, x: Pointer, dwords: ValueLike, row: Value, column: ValueLike) -> Pointer:
        """The dword of x `[T, dwords]`, which is blocked, where LANES values of a row begin."""
        dword, line = lift(column, INT64) // self.layout.x_per_dword, CACHE_LINE
        return self.row(x, dwords, row) + (dword // line * (line * self.layout.mr) + dword % line)

    @property
    def row_major(self) -> RowFormat:
        """Rows of this precision one after the other, `[T, dwords]`."""
        per_dword = self.layout.x_per_dword
        return RowFormat(
            lambda out, row, column: out[row] + lift(column, INT64) // per_dword,
            self.pack,
            per_dword,
        )

    @property
    def in_heads(self) -> RowFormat:
        """Rows of this precision cut into heads, `[heads, T, dwords]`."""
        per_dword = self.layout.x_per_dword

        def place(out: Array, row: Value, column: ValueLike) -> Pointer:
            dword = lift(column, INT64) // per_dword
            return out[dword // out.shape[2], row, dword % out.shape[2]]

        return RowFormat(place, self.pack, per_dword)

    @property
    def blocked(self) -> RowFormat:
        """Rows of this precision as a product reads them."""
        return RowFormat(
            lambda x, row, column: self.place(x.data, x.shape[1], row, column),
            self.pack,
            self.layout.x_per_dword,
        )

    @property
    def unquantised(self) -> Precision:
        """The precision of what will be quantised.

        It is bfloat16 where the host has that: its 8 significant bits are enough for int8's 8 bits.
        """
        return bfloat16 if self.layout.unquantised_per_dword == 2 else float32

    @property
    def product_input(self) -> RowFormat:
        """How a kernel writes what a product reads next, after quantisation if there is one."""
        return self.unquantised.row_major if self.layout.quantised else self.blocked


# ---- float32 ----------------------------------------------------------------------------------


float32 = Precision(
    "float32",
    OPERAND_LAYOUTS["float32"],
    dot=float32_dot,
    pack=Pointer.store,
)


# ---- bfloat16 ---------------------------------------------------------------------------------


def _pack_bfloat16(place: Pointer, values: Value) -> None:
    """Round to the nearest bfloat16, ties to even."""
    place.store(narrow(values, BFLOAT16))


def _unpack_bfloat16(place: Pointer) -> Value:
    """A bfloat16 is the upper half of a float32."""
    upper_halves = place.load(ir.VectorType(INT16, LANES))
    return bits(widen(upper_halves, INT32) << 16, FLOATS)


bfloat16 = Precision(
    "bfloat16",
    OPERAND_LAYOUTS["bfloat16"],
    dot=bfloat16_dot,
    pack=_pack_bfloat16 if MULTIPLIES_BFLOAT16 else Pointer.store,
    unpack=_unpack_bfloat16 if MULTIPLIES_BFLOAT16 else Pointer.load,
    amx_dot="llvm.x86.tdpbf16ps" if TARGET.amx else "",
)


# ---- int8 -------------------------------------------------------------------------------------


def _lowest() -> int:
    """The smallest integer of x, by the type that is multiplied."""
    if not MULTIPLIES_INT8:
        return -QMAX_OF_INT16
    # vpdpbusd and vpmaddubsw multiply unsigned bytes of x by signed ones of weights.
    unsigned = SUMS_INT16 or ("vpdpbusd" in TARGET.int8_dot and not TARGET.amx)
    return 0 if unsigned else -128


def _pack_int8(place: Pointer, values: Value) -> None:
    place.store(narrow(values, INT8))


def _pack_int16(place: Pointer, values: Value) -> None:
    """Store values 0, 2, 1, 3 of each four, the order in which the dot product needs them."""
    shorts = narrow(values, INT16)
    count = values.code.type.count
    order = [four + i for four in range(0, count, 4) for i in (0, 2, 1, 3)]
    place.store(shuffle(shorts, shorts, order))


int8 = Precision(
    "int8",
    OPERAND_LAYOUTS["int8"],
    dot=int8_dot,
    dwords_per_dot=2 if SUMS_INT16 else 1,
    pack=_pack_int8 if MULTIPLIES_INT8 else _pack_int16,
    amx_dot="llvm.x86.tdpbssd" if TARGET.amx else "",
    sums=INTS,
    steps=2 * (QMAX_OF_INT8 if MULTIPLIES_INT8 else QMAX_OF_INT16),
    lowest=_lowest(),
)


PRECISIONS = {precision.name: precision for precision in (float32, bfloat16, int8)}


def attention_precision(precision: Precision) -> Precision:
    """The precision of attention's products in a model of a precision."""
    return PRECISIONS[attention_name(precision.name)]
