"""The three precisions: how numbers share a 32-bit word, and what multiplies such words.

A product runs over words. Where a float32 product takes one k at a time, a word holds two
neighbouring k in bfloat16 or four in int8, and one instruction multiplies them all and adds
them up. So a weight panel is `[words of K, BLOCK]` words in every precision, a row of x is a row of
words, and who knows the float32 product knows all three.

What a host has no instruction for it does with those it has. Weights keep their form; only x then
takes other words:

| precision | host | a word of x | sums |
|---|---|---|---|
| float32 | every | one float32 | float32 |
| bfloat16 | tiles (AMX), pair dot (AMD's AVX-512 BF16, Arm's BF16) | two bfloat16 | float32 |
| | any other: the weights are unpacked | one float32, not rounded | float32 |
| int8 | tiles, quad dot (VNNI, Arm's dot product) | four int8 | int32, exact |
| | any other: pairs of int16, of which 10 bits are used | two int16 | int32, exact |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from minner.kernels.runtime.operand_layout import FORMS, HAS_PAIRS, HAS_QUADS, Form, attention_name
from minner.kernels.vector.staged import (
    BFLOAT,
    BFLOATS,
    BYTES,
    FLOATS,
    HALVES,
    INT8,
    INT16,
    INT32,
    INT64,
    INTS,
    Array,
    Operand,
    Pointer,
    Value,
    bits,
    call,
    fma,
    join,
    lift,
    narrow,
    on_x86,
    shuffle,
    widen,
)
from minner.kernels.vector.target import BLOCK, GROUP_ROWS, LANES, QUERIES, ROWS, TARGET, TILE

Dot = Callable[[Value, list[Value], Value], Value]
Pack = Callable[[Pointer, Value], None]


@dataclass(frozen=True)
class Rows:
    """Rows of values in memory.

    Attributes:
        place: where values begin: `(array, row, column)`.
        pack: stores them there.
        step: values in a word.
    """

    place: Callable[[Array, Value, Operand], Pointer]
    pack: Pack
    step: int

    def write(self, out: Array, row: Value, column: Operand, halves: list[Value]) -> None:
        """Store BLOCK values of a row, two vectors, from a column on.

        They are stored at once where they lie in one line: a line that another core has read is
        waited for once then.
        """
        if TILE * self.step >= BLOCK:
            self.pack(self.place(out, row, column), join(*halves))
            return
        for half, values in enumerate(halves):
            self.pack(self.place(out, row, column + half * LANES), values)


@dataclass(frozen=True)
class Precision:
    """What the kernels need to know of a precision on this host.

    Attributes:
        name: as `minner.load` takes it.
        form: how many values share a word.
        dot: `(sums, words of x, word of weights) -> sums`, all of them vectors.
        pack: stores values, in one vector, as words of x: `(place, values)`. Those of int8 must be
            whole numbers of at most `steps`.
        unpack: reads LANES values, where what is to be quantised can be in this precision.
        tile_dot: the same as `dot` on matrix registers, by its name in LLVM, or "".
        sums: the type of the sums, FLOATS or INTS.
        steps: of a quantised row of x to each side of 0. -128 is left out: it stays symmetric.
        offset: is added to each int8 value of x.
    """

    name: str
    form: Form
    dot: Dot
    pack: Pack
    unpack: Callable[[Pointer], Value] = Pointer.load
    tile_dot: str = ""
    sums: ir.Type = FLOATS
    steps: int = 0
    offset: int = 0

    @property
    def parts(self) -> int:
        """Words of x that meet one word of weights."""
        return self.form.step // self.form.x_step

    @property
    def block_rows(self) -> int:
        """Rows of a product that are finished before the next: two matrix registers, or tiles."""
        return 2 * TILE if self.form.tiled else QUERIES

    @property
    def group_rows(self) -> int:
        """Rows that a thread multiplies by a panel before it takes the next, at most.

        Matrix registers are so fast that with fewer rows they would wait for the weights.
        """
        return GROUP_ROWS if self.form.tiled else 16 * ROWS

    @property
    def row_preference(self) -> int:
        """Threads share a layer's rows, not its panels, where N * threads < this * T.

        Then each thread reads all weights, but finds the rows that it wrote itself. Where products
        are as fast as on matrix registers, that saves time from so many rows on.
        """
        return 16 if self.form.tiled else 1

    def row(self, x: Pointer, words: Operand, row: Value) -> Pointer:
        """The first word of a row of x `[T, words]`; each TILE words are `TILE * rows` apart."""
        rows = self.form.rows
        return x + (row // rows * (lift(words, INT64) * rows) + row % rows * TILE)

    def place(self, x: Pointer, words: Operand, row: Value, column: Operand) -> Pointer:
        """The word of x `[T, words]` in which LANES values from a column on begin."""
        word = lift(column, INT64) // self.form.x_step
        return self.row(x, words, row) + (word // TILE * (TILE * self.form.rows) + word % TILE)

    @property
    def plain(self) -> Rows:
        """Rows of this precision that lie one after the other."""
        step = self.form.x_step
        return Rows(
            lambda out, row, column: out[row] + lift(column, INT64) // step, self.pack, step
        )

    @property
    def in_heads(self) -> Rows:
        """Rows of this precision cut into heads, `[heads, T, words]`."""
        step = self.form.x_step

        def place(out: Array, row: Value, column: Operand) -> Pointer:
            word = lift(column, INT64) // step
            return out[word // out.shape[2], row, word % out.shape[2]]

        return Rows(place, self.pack, step)

    @property
    def blocked(self) -> Rows:
        """Rows of this precision as a product reads them."""
        return Rows(
            lambda x, row, column: self.place(x.data, x.shape[1], row, column),
            self.pack,
            self.form.x_step,
        )

    @property
    def given(self) -> Precision:
        """What is to be quantised is written in this precision: 8 bits of it are used anyway."""
        return bfloat16 if self.form.given_step == 2 else float32

    @property
    def product_rows(self) -> Rows:
        """Where a kernel writes what a product will read: as x, or to be quantised first."""
        return self.given.plain if self.form.quantised else self.blocked


# ---- float32 ----------------------------------------------------------------------------------


float32 = Precision(
    "float32",
    FORMS["float32"],
    dot=lambda sums, x, weights: fma(x[0], weights, sums),
    pack=Pointer.store,
)


# ---- bfloat16 ---------------------------------------------------------------------------------


def _pack_pairs(place: Pointer, values: Value) -> None:
    """Round to the nearest bfloat16, ties to even."""
    place.store(narrow(values, BFLOAT))


def _unpack_pairs(place: Pointer) -> Value:
    """A bfloat16 is the upper half of a float32."""
    halves = place.load(ir.VectorType(INT16, LANES))
    return bits(widen(halves, INT32) << 16, FLOATS)


def _pair_dot(sums: Value, x: list[Value], weights: Value) -> Value:
    return call(TARGET.pair_dot, FLOATS, sums, bits(x[0], BFLOATS), bits(weights, BFLOATS))


def _unpacked_pair_dot(sums: Value, x: list[Value], weights: Value) -> Value:
    """The lower k stands in the lower half of a word."""
    words = bits(weights, INTS)
    lower, upper = bits(words << 16, FLOATS), bits(words & -65536, FLOATS)
    return fma(x[1], upper, fma(x[0], lower, sums))


bfloat16 = Precision(
    "bfloat16",
    FORMS["bfloat16"],
    dot=_pair_dot if HAS_PAIRS else _unpacked_pair_dot,
    pack=_pack_pairs if HAS_PAIRS else Pointer.store,
    unpack=_unpack_pairs if HAS_PAIRS else Pointer.load,
    tile_dot="llvm.x86.tdpbf16ps" if TARGET.tiles else "",
)


# ---- int8 -------------------------------------------------------------------------------------

# x86's quad dot takes unsigned x, hence an offset, which the sums start without.
_OFFSET = 128 if "vpdpbusd" in TARGET.quad_dot and not TARGET.tiles else 0


def _pack_quads(place: Pointer, values: Value) -> None:
    place.store(narrow(values + _OFFSET, INT8))


def _quad_dot(sums: Value, x: list[Value], weights: Value) -> Value:
    return call(TARGET.quad_dot, INTS, sums, bits(x[0], BYTES), bits(weights, BYTES))


def _pack_int16(place: Pointer, values: Value) -> None:
    """Values 0, 2, 1, 3 of each four: the order in which `_unpacked_quad_dot` meets the weights."""
    halves = narrow(values, INT16)
    count = values.code.type.count
    order = [four + i for four in range(0, count, 4) for i in (0, 2, 1, 3)]
    place.store(shuffle(halves, halves, order))


def _unpacked_quad_dot(sums: Value, x: list[Value], weights: Value) -> Value:
    """Bytes 0 and 2 of each word, then 1 and 3, as int16 with their signs."""
    halves = bits(weights, HALVES)
    even, odd = (halves << 8) >> 8, halves >> 8
    return sums + _multiply_int16(x[0], even) + _multiply_int16(x[1], odd)


def _multiply_int16(x: Value, weights: Value) -> Value:
    """Multiply pairs of int16 and add each pair up, exactly: one instruction on every x86."""
    names = {16: "avx512.pmaddw.d.512", 8: "avx2.pmadd.wd", 4: "sse2.pmadd.wd"}
    if on_x86():
        return call(f"llvm.x86.{names[LANES]}", INTS, bits(x, HALVES), weights)
    products = bits(x, INTS), bits(weights, INTS)
    upper = (products[0] >> 16) * (products[1] >> 16)
    return upper + ((products[0] << 16) >> 16) * ((products[1] << 16) >> 16)


int8 = Precision(
    "int8",
    FORMS["int8"],
    dot=_quad_dot if HAS_QUADS else _unpacked_quad_dot,
    pack=_pack_quads if HAS_QUADS else _pack_int16,
    tile_dot="llvm.x86.tdpbssd" if TARGET.tiles else "",
    sums=INTS,
    # Where x is multiplied as int16 anyway, it has 10 bits; `WIDEST` of weights/pack.py follows.
    steps=127 if HAS_QUADS else 511,
    offset=_OFFSET,
)


PRECISIONS = {precision.name: precision for precision in (float32, bfloat16, int8)}


def attention_precision(precision: Precision) -> Precision:
    """What attention multiplies in (see operand_layout.py)."""
    return PRECISIONS[attention_name(precision.name)]
