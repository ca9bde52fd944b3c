"""The forward pass: the whole model as one native function, read from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import carray, types  # type: ignore[attr-defined]
from numba.extending import intrinsic, overload, register_jitable

from minner.kernels import layout
from minner.kernels.attention import attention
from minner.kernels.functions import ACTIVATIONS
from minner.kernels.layout import Shape, attention_width, buffer_views, padded, weight_views
from minner.kernels.norm import embed, layer_norm
from minner.kernels.product import linear_kernel

FLOATS = types.CPointer(types.float32)
INTS = types.CPointer(types.int32)
SIGNATURE = types.void(
    types.CPointer(types.int64),
    FLOATS,
    FLOATS,
    FLOATS,
    INTS,
    INTS,
    types.int64,
    types.int64,
    types.int64,
    FLOATS,
)

for function in (padded, attention_width, weight_views, buffer_views):
    register_jitable(function)


@intrinsic
def _advance(_context: Any, pointer: Any, elements: Any) -> Any:
    """Move a C pointer by a number of elements."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, values: Any) -> Any:
        return builder.gep(values[0], [values[1]])

    return pointer(pointer, types.int64), generate


@overload(layout.cut)
def _cut(memory: Any, start: Any, shape: Any) -> Any:
    def compiled_cut(memory: Any, start: Any, shape: Any) -> Any:
        size = 1
        for length in shape:
            size *= length
        return carray(_advance(memory, start), shape), start + size  # type: ignore[call-arg]

    return compiled_cut


linear = linear_kernel()
linear_residual = linear_kernel(residual=True)


def make_forward(activation: str) -> Callable[..., None]:
    """Make the forward pass for one activation function, ready to be compiled as a C function."""
    linear_activation = linear_kernel(ACTIVATIONS[activation])

    def forward(
        sizes: Any,  # int64 [7]: the fields of Shape
        word_memory: Any,  # float32 [V, D]
        weight_memory: Any,  # float32, divided by weight_views
        scratch: Any,  # float32, divided by buffer_views
        id_memory: Any,  # int32 [T]
        bound_memory: Any,  # int32 [S + 1]
        tokens: int,  # T
        sequences: int,  # S
        longest: int,  # tokens of the longest sequence
        logit_memory: Any,  # float32 [T, C], padded
    ) -> None:
        s = carray(sizes, (7,))
        shape = Shape(s[0], s[1], s[2], s[3], s[4], s[5], s[6])
        dim, hidden_dim, wide = shape.dim, shape.hidden_dim, attention_width(shape)
        words = carray(word_memory, (shape.vocabulary, padded(dim)))
        ids = carray(id_memory, (tokens,))
        bounds = carray(bound_memory, (sequences + 1,))
        logits = carray(logit_memory, (tokens, padded(shape.classes)))
        w, _ = weight_views(weight_memory, shape)
        b, _ = buffer_views(scratch, shape, tokens, longest)

        embed(
            ids, bounds, words, w.positions, w.embed_norm_weight, w.embed_norm_bias, dim, b.hidden
        )
        for i in range(shape.layers):
            linear(b.hidden, dim, w.qkv_weight[i], w.qkv_bias[i], b.qkv)
            attention(b.qkv, bounds, shape.heads, b.keys, b.scores, b.context)
            linear_residual(
                b.context, wide, w.out_lin_weight[i], w.out_lin_bias[i], b.hidden, b.sum
            )
            layer_norm(b.sum, w.sa_norm_weight[i], w.sa_norm_bias[i], dim, b.hidden)
            linear_activation(b.hidden, dim, w.lin1_weight[i], w.lin1_bias[i], b.ffn)
            linear_residual(b.ffn, hidden_dim, w.lin2_weight[i], w.lin2_bias[i], b.hidden, b.sum)
            layer_norm(b.sum, w.output_norm_weight[i], w.output_norm_bias[i], dim, b.hidden)
        linear(b.hidden, dim, w.classifier_weight, w.classifier_bias, logits)

    return forward
