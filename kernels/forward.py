"""The forward pass: the whole model as one native function, read from top to bottom.

It is `minner/reference.py` again, on all tokens of a batch and on all threads of a team. Every
thread runs the same lines; inside each kernel they share the work, and none goes on to the next
before all have finished.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import register_jitable

from minner.kernels.attention import attention
from minner.kernels.compiled import buffers_of, inputs_of, shape_of, team_of, weights_of
from minner.kernels.functions import ACTIVATIONS
from minner.kernels.layout import LINE, STOP, attention_width
from minner.kernels.norm import embed, layer_norm
from minner.kernels.product import linear_kernel
from minner.kernels.team import await_call, call_helpers

SIGNATURE = types.void(types.CPointer(types.int64), types.int64, types.int64)
"""Of the native function: (call, rank, pipe)."""

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
        shape = shape_of(call)
        D, F, A = shape.dim, shape.hidden_dim, attention_width(shape)
        i, w, b = inputs_of(call, shape), weights_of(call, shape), buffers_of(call, shape)
        x, y = b.hidden, b.sum  # [T, D]
        acc = b.accumulator[rank]

        embed(
            team,
            i.ids,
            i.positions,
            i.words,
            w.positions,
            w.embed_norm_weight,
            w.embed_norm_bias,
            D,
            x,
        )
        for n in range(shape.layers):
            # Each kernel is a stage, and ends at a barrier: `laps.py` names them in this order.
            linear(team, x, D, w.qkv_weight[n], w.qkv_bias[n], acc, b.qkv)  # [T, 3A]
            attention(
                team, rank, b.qkv, i.bounds, shape.heads, b.keys, b.values, b.scores, b.context
            )
            linear_residual(team, b.context, A, w.out_lin_weight[n], w.out_lin_bias[n], x, acc, y)
            layer_norm(team, y, w.sa_norm_weight[n], w.sa_norm_bias[n], D, x)
            linear_activation(team, x, D, w.lin1_weight[n], w.lin1_bias[n], acc, b.ffn)  # [T, F]
            linear_residual(team, b.ffn, F, w.lin2_weight[n], w.lin2_bias[n], x, acc, y)
            layer_norm(team, y, w.output_norm_weight[n], w.output_norm_bias[n], D, x)
        linear(team, x, D, w.classifier_weight, w.classifier_bias, acc, i.logits)  # [T, C]

    def forward(call: Any, rank: int, pipe: int) -> None:
        team = team_of(call)
        if rank == 0:
            call_helpers(team)
        else:
            await_call(team, rank, pipe)
        while team[STOP * LINE] == 0:
            run(call, team, rank)
            if rank == 0:
                break
            await_call(team, rank, pipe)

    return forward
