"""The forward pass: the whole model as one native function, read from top to bottom.

It is `minner/reference.py` again, on all tokens of a batch and on all threads of a team. Every
thread runs the same lines. Inside each kernel the threads share the work, and at its end they wait
for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import register_jitable

from minner.kernels.activations import formula_of
from minner.kernels.amx import configure_tiles, release_tiles
from minner.kernels.attention import attention_kernel
from minner.kernels.embeddings import embed_kernel
from minner.kernels.fields import cut_fields, pack_fields
from minner.kernels.gather_rows import gather_rows_kernel
from minner.kernels.layer_norm import layer_norm_kernel
from minner.kernels.precision import PRECISIONS, Precision, attention_precision
from minner.kernels.product import linear_kernel
from minner.kernels.quantise import quantise_kernel
from minner.kernels.runtime.abi import (
    buffers_of,
    inputs_of,
    linear_of,
    norm_of,
    read_shape,
    team_of,
    weights_of,
)
from minner.kernels.runtime.buffers import first_rows
from minner.kernels.runtime.handover import accept, conclude
from minner.kernels.runtime.layout import attention_width
from minner.kernels.runtime.team import await_call, call_helpers
from minner.kernels.runtime.team_state import FIELD_STRIDE, STOP, Member
from minner.kernels.runtime.text_calls import CUT_FIELDS, PACK_FIELDS

SIGNATURE = types.void(types.CPointer(types.int64), types.int64, types.int64)
"""Of the native function: (call, rank, pipe)."""


def make_forward(activation: str, precision_name: str) -> Callable[..., None]:
    """Make the forward pass for one activation function and precision, ready to be compiled.

    Returns:
        `forward(call, rank, pipe)`. The leader, rank 0, runs one pass and returns; the call has its
        outcome then. A helper stays: it runs its share of every pass that the leader calls until
        the team stops, and sleeps in a read of `pipe` between them. In the place of a rank,
        CUT_FIELDS and PACK_FIELDS run a kernel of `fields.py` on this thread, without the team.
    """
    run = _make_pass(activation, PRECISIONS[precision_name])

    def forward(call: Any, rank: int, pipe: int) -> None:
        if rank == CUT_FIELDS:
            cut_fields(call)
        elif rank == PACK_FIELDS:
            pack_fields(call)
        else:
            take_part(call, rank, pipe)

    @register_jitable
    def take_part(call: Any, rank: int, pipe: int) -> None:
        state, shape = team_of(call), read_shape(call)
        if rank == 0:
            if not accept(call, shape):
                return
            call_helpers(state)
        else:
            await_call(state, rank, pipe)
        while state[STOP * FIELD_STRIDE] == 0:
            configure_tiles()
            run(call, Member(state, rank))
            release_tiles()
            if rank == 0:
                conclude(call, shape)
                break
            await_call(state, rank, pipe)

    return forward


def _make_pass(activation: str, precision: Precision) -> Callable[..., None]:
    """Make one pass of one thread."""
    inner = attention_precision(precision)
    layout, attention_layout = precision.layout, inner.layout
    activate = formula_of(activation, rounded=layout.x_per_dword > 1)

    embed, layer_norm = embed_kernel(precision), layer_norm_kernel(precision)
    attention, gather_rows = attention_kernel(precision), gather_rows_kernel(precision)
    quantise = quantise_kernel(precision)
    linear_qkv = linear_kernel(precision, output=inner.in_heads, outputs=3)
    linear_residual = linear_kernel(precision, residual=True)
    linear_activation = linear_kernel(precision, activate, output=precision.product_input)
    last_layer_norm, classify = layer_norm_kernel(), linear_kernel()  # in float32 always

    @register_jitable
    def run(call: Any, team: Member) -> None:
        shape = read_shape(call)
        D, H = shape.dim, shape.heads
        i, w = inputs_of(call, shape), weights_of(call, shape, layout)
        b = buffers_of(call, shape, layout, attention_layout, team.rank)
        h, acc = b.hidden, b.thread.accumulator  # [T, D], [MC, NR]

        table, norm = w.position_embeddings, norm_of(w.embeddings_norm, 0)
        embed(team, i.ids, i.positions, i.word_embeddings, table, norm, D, h, b.x)
        for n in range(shape.layers):
            # Each kernel is a stage and ends at a barrier: `stage_names` has them in this order.
            linear_qkv(team, b.x, linear_of(w.qkv, n), acc, b.qkv)  # [3H, T, d]
            attention(team, b.qkv, i.bounds, H, attention_width(shape) // H, b.thread, b.context)
            if n + 1 == shape.layers:
                gather_rows(team, i.rows, h, b.context)
                b = first_rows(b, len(i.rows))
                h = b.hidden  # [R, D] from here on
            quantise(team, b.context, b.context_x)
            linear_residual(team, b.context_x, linear_of(w.out_lin, n), h, acc, h)
            layer_norm(team, h, norm_of(w.sa_layer_norm, n), D, b.x)
            linear_activation(team, b.x, linear_of(w.lin1, n), acc, b.ffn)  # [T, F]
            quantise(team, b.ffn, b.ffn_x)
            linear_residual(team, b.ffn_x, linear_of(w.lin2, n), h, acc, h)
            if n + 1 < shape.layers:
                layer_norm(team, h, norm_of(w.output_layer_norm, n), D, b.x)
            else:
                last_layer_norm(team, h, norm_of(w.output_layer_norm, n), D, b.last)
        classify(team, b.last, linear_of(w.classifier, 0), acc, i.logits)  # [R, C]

    return run
