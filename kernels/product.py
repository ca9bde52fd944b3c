"""The matrix product: where nearly all of the time goes.

`out = activation(x @ weight.T + bias) + residual`, in blocks whose names are those of BLIS:

               K                      N                       N
           .--KC--.----.          .--NR--.---.            .--NR--.---.
        MR |######|    |          |######|   |         MR |######|   |
           |------'    |       KC |######|   |            |------'   |
        MC |           |   x      |------'   |     =      |          |
           |- - - - - -|        K |      |   |          T |          |
         T |           |          |      |   |            |          |
           '-----------'          '------'---'            '----------'
            x, blocked            micropanels             sums, then out

- A microtile of MR x NR sums stays in vector registers (`microkernel.py`) or AMX tiles (`amx.py`).
- The weight is packed once, when the model is loaded, into micropanels of NR columns: `[N / NR,
  dwords of K, NR]`. The micro-kernel reads a micropanel from front to back.
- x is blocked: MR rows lie together, a cache line of each (`runtime/operand_layout.py`). The kernel
  that computes x writes it so; nothing is packed during a product.
- Sums are kept for KC dwords of K, then added to those of the k-blocks before.
- MC rows of x are multiplied by one micropanel before the next.
- Weights come from main memory, so the next k-block is prefetched while this one is multiplied.

    for MC group: for NR micropanel: for KC k-block: for row block: for MR microtile: for dword of K

BLIS has the k-block outside the MC group, packs both operands in each call, and cuts N by NC.

    NR         2 vectors: 32 columns with AVX-512, 16 with AVX2, 8 with SSE and Neon
    MR         8 with 32 vector registers, 6 with 16, or 4 where a dot product needs temporaries
    row block  32 rows, or 24 with 16 vector registers; two strips of 16 in AMX tiles
    KC         at most 128 dwords, so a k-block of a micropanel fits in L1
    MC         at most 4 row blocks, or 512 rows in AMX tiles, and 1.5 MB: they stay in L2 or L3

Threads share the micropanels, so each weight is read by one core. Where a layer has few columns for
so many rows, they share the rows instead (`Precision.row_preference`).

Every result is one chain of multiply-adds in the order of K, cut at the same places, whatever
microtile it is in and whichever thread computes it. That is why a sentence gets the same bits alone
and in any batch, on any number of threads.

Rounding errors grow with the length of a chain, and K reaches 3072. With sums of at most KC dwords,
the root mean square error of the embedded model's float32 logits on CoNLL-2003 fell from 9.0e-7 to
5.6e-7 (against float64; transformers has 6.7e-7).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from minner.kernels.activations import Formula, identity
from minner.kernels.amx import multiply_in_amx_tiles
from minner.kernels.microkernel import Block, Prefetch, multiply_in_registers
from minner.kernels.precision import Precision, float32
from minner.kernels.row_format import RowFormat
from minner.kernels.runtime.buffers import ProductInput
from minner.kernels.runtime.layout import Linear
from minner.kernels.runtime.team import barrier, shared_items, team_size
from minner.kernels.runtime.team_state import Member
from minner.kernels.vector.control import loop, outlined, when
from minner.kernels.vector.instructions import bits, choose, fma, maximum, minimum, select, to_float
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import CACHE_LINE, LANES, NR, ROW_BLOCK
from minner.kernels.vector.values import INT64, INTS, Array, Pointer, Value, lift

KC = 128
"""Dwords of K in a k-block, at most."""

MC_DWORDS = 128 * 3072
"""Dwords of x in MC rows, at most: 1.5 MB, which stay in L2 or L3."""


@cache
def block_product(precision: Precision) -> Callable[[Block, Prefetch], None]:
    """The product of one block, to call while compiling; emitted once for all kernels."""

    def multiply(block: Block, prefetch: Prefetch) -> None:
        if precision.layout.amx:
            multiply_in_amx_tiles(precision, block, prefetch)
        else:
            multiply_in_registers(precision, block, prefetch)

    multiply.__name__ = f"multiply_{precision.name}"
    return outlined(multiply)


class _Kind(NamedTuple):
    """The arguments of `linear_kernel`."""

    precision: Precision
    activation: Formula
    output: RowFormat
    outputs: int


class _Arguments(NamedTuple):
    """What a kernel of a linear layer gets."""

    team: Member
    x: ProductInput
    layer: Linear
    residual: Array | None
    accumulator: Array
    out: Array


def linear_kernel(
    precision: Precision = float32,
    activation: Formula = identity,
    residual: bool = False,
    output: RowFormat = float32.row_major,
    outputs: int = 1,
) -> Any:
    """Make the kernel of a linear layer and of what follows it.

    Args:
        precision: of the product.
        activation: is applied to the result.
        residual: whether something is added to it.
        output: how it is stored.
        outputs: how many layers of equal width were packed side by side; 3 for q, k and v.

    Returns:
        A staged function `(team, x, layer, accumulator, out [T, N])`; with `residual [T, N]` after
        the layer where that is asked for. x is a `ProductInput` and the layer a `Linear`; the
        accumulator is scratch of this thread, `[MC, NR]`.
    """
    kind = _Kind(precision, activation, output, outputs)

    @staged
    def linear(
        team: Member, x: ProductInput, layer: Linear, accumulator: Array, out: Array
    ) -> None:
        _multiply(kind, _Arguments(team, x, layer, None, accumulator, out))

    @staged
    def linear_residual(
        team: Member,
        x: ProductInput,
        layer: Linear,
        residual: Array,
        accumulator: Array,
        out: Array,
    ) -> None:
        _multiply(kind, _Arguments(team, x, layer, residual, accumulator, out))

    return linear_residual if residual else linear


# ---- the loops around the block product -------------------------------------------------------


class _Blocking(NamedTuple):
    """How a product is cut: rows in groups of up to MC, columns in micropanels, K in k-blocks."""

    panels: Value  # micropanels of the weight
    by_rows: Value  # whether threads share groups of rows, not micropanels
    mc: Value  # rows of a group
    groups: Value  # of rows
    kc: Value  # dwords of a k-block


def _multiply(kind: _Kind, a: _Arguments) -> None:
    """Emit the product: every thread takes micropanels, or groups of rows, until none are left."""
    blocking, tokens = _blocking(kind, a), a.x.rows.shape[0]
    panels, groups, by_rows = blocking.panels, blocking.groups, blocking.by_rows

    def interleaved(item: Value) -> Value:
        """The micropanel of an item: the first of q, of k and of v, then the second of each ...

        A thread takes neighbouring items, so it computes the q, k and v of the same heads.
        """
        if kind.outputs == 1:
            return item
        return item % kind.outputs * (panels // kind.outputs) + item // kind.outputs

    items = select(by_rows, groups * panels, panels)
    for item, turn, next_item in shared_items(a.team, items, select(by_rows, 1, groups)):
        first = select(by_rows, item // panels, turn) * blocking.mc
        panel, next_panel = interleaved(item % panels), interleaved(next_item % panels)
        rows = minimum(tokens - first, blocking.mc)
        _multiply_panel(kind, a, _Task(panel, next_panel, first, rows, blocking.kc))
    barrier(a.team)


def _blocking(kind: _Kind, a: _Arguments) -> _Blocking:
    panels, dwords, tokens = a.layer.weight.shape[0], a.layer.weight.shape[1], a.x.rows.shape[0]
    workers = team_size(a.team)
    # Queries, keys and values are always shared by micropanels. In attention each thread then finds
    # in its own cache the heads that it computed here.
    preference = kind.precision.row_preference if kind.outputs == 1 else 0
    by_rows = panels * NR * workers < tokens * preference
    mc = _group_rows(kind.precision, tokens, dwords, select(by_rows, workers, 1))
    groups = (tokens + (mc - 1)) // mc
    # K is cut into k-blocks as equal as whole cache lines allow.
    k_blocks = (dwords + (KC - 1)) // KC
    kc = (dwords + (k_blocks * CACHE_LINE - 1)) // (k_blocks * CACHE_LINE) * CACHE_LINE
    return _Blocking(panels, by_rows, mc, groups, kc)


def _group_rows(precision: Precision, tokens: Value, dwords: Value, multiple: Value) -> Value:
    """Rows of a group: at most MC, and of at most MC_DWORDS.

    Groups are as equal as whole microtiles allow, and their number is a multiple of `multiple`
    unless there are fewer microtiles than that.
    """
    mr = _microtile_rows(precision)
    fitting = lift(MC_DWORDS, INT64) // dwords // ROW_BLOCK * ROW_BLOCK
    most = minimum(maximum(fitting, ROW_BLOCK), precision.mc)
    groups = (tokens + (most * multiple - 1)) // (most * multiple) * multiple
    return (tokens + (groups * mr - 1)) // (groups * mr) * mr


def _microtile_rows(precision: Precision) -> int:
    """Rows of x that are multiplied at once: a row block in AMX tiles, else a microtile."""
    return ROW_BLOCK if precision.layout.amx else precision.layout.mr


class _Task(NamedTuple):
    """A group of rows by a micropanel: what one thread does at a time."""

    panel: Value
    next_panel: Value  # the one that this thread will probably multiply next
    first: Value  # row of x
    rows: Value
    kc: Value


def _multiply_panel(kind: _Kind, a: _Arguments, task: _Task) -> None:
    """Multiply a group of rows by a micropanel, k-block by k-block, and finish its results."""
    dwords, kc, mr = a.layer.weight.shape[1], task.kc, _microtile_rows(kind.precision)
    blocks = (task.rows + (ROW_BLOCK - 1)) // ROW_BLOCK
    # Each microtile prefetches a part of the next k-block in proportion to its rows, evenly over K:
    # all at once, or always 4 KB ahead, gave 77 to 90 % of this speed (docs/what-did-not-help.md).
    # Of 9 rows, the first 8 fetch nearly all: with a half for each, 9 took longer than 12.
    computed = blocks * ROW_BLOCK if kind.precision.layout.amx else task.rows
    ahead_dwords = (computed + (NR * mr - 1)) // computed
    rest_dwords = maximum(lift(NR, INT64) - task.rows // mr * ahead_dwords, 0)
    for k in loop(0, dwords, kc):
        count = minimum(dwords - k, kc)
        is_last = k + kc > dwords - 1
        weights = a.layer.weight[task.panel, k, 0]
        next_weights = choose(is_last, a.layer.weight[task.next_panel, 0, 0], weights + kc * NR)
        for block in loop(blocks):
            row = block * ROW_BLOCK
            rows = minimum(task.rows - row, ROW_BLOCK)
            first = task.first + row
            x = _x_at(kind.precision, a.x, first, k)
            # With one k-block the epilogue runs at once, so every row block reuses the same rows of
            # the accumulator, which stay in L1.
            sums = a.accumulator[select(dwords > kc, row, 0)]
            overwrite = select(k.equals(0), lift(1, INT64), 0)
            ahead = next_weights + block * (ROW_BLOCK // mr) * ahead_dwords * count
            block_product(kind.precision)(
                Block(x, a.x.rows.shape[1], weights, count, sums, lift(NR, INT64), rows, overwrite),
                Prefetch(ahead, ahead_dwords, rest_dwords),
            )
            with when(is_last):
                _epilogue(kind, a, task.panel * NR, first, rows, sums)


def _x_at(precision: Precision, x: ProductInput, row: Value, k: Value) -> Pointer:
    """The address of what is multiplied by dword k of the weights, in a row of x."""
    start = precision.row(x.rows.data, x.rows.shape[1], row)
    return start + k * (precision.x_per_weight * precision.layout.mr)


# ---- the epilogue -----------------------------------------------------------------------------


def _epilogue(
    kind: _Kind, a: _Arguments, column: Value, first: Value, rows: Value, sums: Pointer
) -> None:
    """Turn sums `[rows, NR]` into results: scales, bias, activation, residual."""
    for row in loop(rows):
        token = first + row
        halves = []
        for i in range(0, NR, LANES):
            total = _dequantised(kind.precision, a, column + i, token, sums + row * NR + i)
            value = kind.activation(total)
            if a.residual is not None:
                value = value + a.residual[token, column + i].load()
            halves.append(value)
        kind.output.write(a.out, token, column, halves)


def _dequantised(
    precision: Precision, a: _Arguments, column: Value, token: Value, sums: Pointer
) -> Value:
    """Sums as float32, with the bias added: int8 ones times the scales of x and of the weight.

    What stands for 0 in int8 x was multiplied by every weight, too, and goes out of the sums first.
    """
    bias: Value = a.layer.bias[column].load()
    if not precision.layout.quantised:
        return sums.load() + bias
    zero, scale = bits(a.x.zero[token].broadcast(), INTS), a.x.scale[token].broadcast()
    exact = sums.load(INTS) - zero * a.layer.column_sum[column].load(INTS)
    return fma(to_float(exact), scale * a.layer.scale[column].load(), bias)
