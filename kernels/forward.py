"""The forward pass: the whole model as one native function, read from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types  # type: ignore[attr-defined]
from numba.extending import intrinsic as numba_intrinsic
from numba.extending import overload, register_jitable

from minner.kernels import layout
from minner.kernels.attention import attention
from minner.kernels.functions import ACTIVATIONS
from minner.kernels.layout import (
    LINE,
    STOP,
    Call,
    Shape,
    attention_width,
    buffer_views,
    padded,
    weight_views,
)
from minner.kernels.norm import embed, layer_norm
from minner.kernels.product import linear_kernel
from minner.kernels.team import await_call, barrier, call_helpers

SIGNATURE = types.void(types.CPointer(types.int64), types.int64, types.int64)
intrinsic: Any = numba_intrinsic  # its type stub keeps the context argument that callers omit

INT, INDEX, FLOAT = np.int32(0), np.int64(0), np.float32(0)
FIELDS = Call(*range(len(Call._fields)))

for function in (padded, attention_width, weight_views, buffer_views):
    register_jitable(function)


@intrinsic
def _advance(_context: Any, pointer: Any, elements: Any) -> Any:
    """Move a C pointer by a number of elements."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, values: Any) -> Any:
        return builder.gep(values[0], [values[1]])

    return pointer(pointer, types.int64), generate


@intrinsic
def _pointer(_context: Any, call: Any, index: Any, like: Any) -> Any:
    """Read an address out of a call, as a pointer to elements of the type of `like`."""
    kind = types.CPointer(like)

    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, values: Any) -> Any:
        slot = builder.gep(values[0], [values[1]])
        pointers = context.get_value_type(kind).as_pointer()
        return builder.load(builder.bitcast(slot, pointers))

    return kind(call, types.int64, like), generate


@overload(layout.cut)
def _cut(memory: Any, start: Any, shape: Any) -> Any:
    def compiled_cut(memory: Any, start: Any, shape: Any) -> Any:
        size = 1
        for length in shape:
            size *= length
        return carray(_advance(memory, start), shape), start + size

    return compiled_cut


linear = linear_kernel()
linear_residual = linear_kernel(residual=True)


def make_forward(activation: str) -> Callable[..., None]:
    """Make the forward pass for one activation function, ready to be compiled as a C function.

    Returns:
        `forward(call, rank, pipe)`. The leader, rank 0, runs one pass and returns. A helper stays:
        it runs its share of every pass that the leader calls until the team stops, and sleeps in
        a read of `pipe` between them.
    """
    linear_activation = linear_kernel(ACTIVATIONS[activation])

    @register_jitable
    def run(call: Any, team: Any, rank: int) -> None:
        shape = _shape(call)
        dim, hidden_dim, wide = shape.dim, shape.hidden_dim, attention_width(shape)
        tokens, workers = call[FIELDS.tokens], call[FIELDS.workers]
        ids = carray(_pointer(call, FIELDS.ids, INT), (tokens,))
        positions = carray(_pointer(call, FIELDS.positions, INT), (tokens,))
        bounds = carray(_pointer(call, FIELDS.bounds, INT), (call[FIELDS.sequences] + 1,))
        words = carray(_pointer(call, FIELDS.words, FLOAT), (shape.vocabulary, padded(dim)))
        logits = carray(_pointer(call, FIELDS.logits, FLOAT), (tokens, padded(shape.classes)))
        w, _ = weight_views(_pointer(call, FIELDS.weights, FLOAT), shape)
        b, _ = buffer_views(
            _pointer(call, FIELDS.scratch, FLOAT), shape, tokens, call[FIELDS.longest], workers
        )

        embed(
            team,
            ids,
            positions,
            words,
            w.positions,
            w.embed_norm_weight,
            w.embed_norm_bias,
            dim,
            b.hidden,
        )
        barrier(team, workers)
        for i in range(shape.layers):
            linear(team, b.hidden, dim, w.qkv_weight[i], w.qkv_bias[i], b.qkv)
            barrier(team, workers)
            attention(team, rank, b.qkv, bounds, shape.heads, b.keys, b.scores, b.context)
            barrier(team, workers)
            linear_residual(
                team, b.context, wide, w.out_lin_weight[i], w.out_lin_bias[i], b.hidden, b.sum
            )
            barrier(team, workers)
            layer_norm(team, b.sum, w.sa_norm_weight[i], w.sa_norm_bias[i], dim, b.hidden)
            barrier(team, workers)
            linear_activation(team, b.hidden, dim, w.lin1_weight[i], w.lin1_bias[i], b.ffn)
            barrier(team, workers)
            linear_residual(
                team, b.ffn, hidden_dim, w.lin2_weight[i], w.lin2_bias[i], b.hidden, b.sum
            )
            barrier(team, workers)
            layer_norm(team, b.sum, w.output_norm_weight[i], w.output_norm_bias[i], dim, b.hidden)
            barrier(team, workers)
        linear(team, b.hidden, dim, w.classifier_weight, w.classifier_bias, logits)
        barrier(team, workers)

    def forward(call: Any, rank: int, pipe: int) -> None:
        team = carray(_pointer(call, FIELDS.team, INDEX), (1 << 30,))
        if rank == 0:
            call_helpers(team, call[FIELDS.workers])
        else:
            await_call(team, rank, pipe)
        while team[STOP * LINE] == 0:
            run(call, team, rank)
            if rank == 0:
                break
            await_call(team, rank, pipe)

    return forward


@register_jitable
def _shape(call: Any) -> Shape:
    at = len(FIELDS)
    return Shape(
        call[at], call[at + 1], call[at + 2], call[at + 3], call[at + 4], call[at + 5], call[at + 6]
    )
