"""How compiled code reads a Call: addresses become the arrays of `layout.py` and `buffers.py`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import carray, extending, types  # type: ignore[attr-defined]
from numba.extending import overload, register_jitable

from minner.kernels.model import Shape
from minner.kernels.runtime import layout as memory
from minner.kernels.runtime.buffers import (
    Buffers,
    buffer_views,
    cut_product_input,
    cut_thread_scratch,
    cut_x,
    first_rows,
    whole_pages,
)
from minner.kernels.runtime.call import Call
from minner.kernels.runtime.layout import (
    Linear,
    Norm,
    Weights,
    attention_width,
    cut_linear,
    cut_norm,
    dwords,
    make_weight_views,
    padded,
    padded_sizes,
)
from minner.kernels.runtime.operand_layout import OperandLayout
from minner.kernels.runtime.team_state import MOST_FIELDS

intrinsic: Any = extending.intrinsic  # its stub keeps the context argument that callers omit

# Numbers whose types tell `pointer_at` what it points to.
INT, INDEX, FLOAT = np.int32(0), np.int64(0), np.float32(0)

# Where the parts of a call lie: its own fields, the address of the team's state, the sizes.
FIELDS = Call(*range(len(Call._fields)))
TEAM = len(FIELDS)
SIZES = Shape(*range(TEAM + 1, TEAM + 1 + len(Shape._fields)))

for function in (
    padded,
    dwords,
    attention_width,
    cut_linear,
    cut_norm,
    cut_product_input,
    cut_x,
    padded_sizes,
    whole_pages,
    cut_thread_scratch,
    buffer_views,
    first_rows,
):
    register_jitable(function)

weight_views = make_weight_views(register_jitable)


class Inputs(NamedTuple):
    """The arrays of a Call."""

    word_embeddings: Any  # float32 [V, D]
    ids: Any  # int32 [T]
    positions: Any  # int32 [T]
    bounds: Any  # int32 [S + 1]
    rows: Any  # int32 [R]
    logits: Any  # float32 [R, C]


@intrinsic
def _advance(_context: Any, pointer: Any, elements: Any) -> Any:
    """Move a C pointer by a number of elements."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, values: Any) -> Any:
        return builder.gep(values[0], [values[1]])

    return pointer(pointer, types.int64), generate


@intrinsic
def pointer_at(_context: Any, call: Any, index: Any, like: Any) -> Any:
    """Read an address out of a Call, as a pointer to elements of the type of `like`."""
    kind = types.CPointer(like)

    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, values: Any) -> Any:
        slot = builder.gep(values[0], [values[1]])
        pointers = context.get_value_type(kind).as_pointer()
        return builder.load(builder.bitcast(slot, pointers))

    return kind(call, types.int64, like), generate


@overload(memory.cut)
def _cut(memory: Any, start: Any, shape: Any) -> Any:
    def compiled_cut(memory: Any, start: Any, shape: Any) -> Any:
        size = 1
        for length in shape:
            size *= length
        return carray(_advance(memory, start), shape), start + size

    return compiled_cut


@register_jitable
def read_shape(call: Any) -> Shape:
    """The sizes of the model."""
    return Shape(
        call[SIZES.vocabulary],
        call[SIZES.positions],
        call[SIZES.layers],
        call[SIZES.heads],
        call[SIZES.dim],
        call[SIZES.hidden_dim],
        call[SIZES.classes],
    )


@register_jitable
def team_of(call: Any) -> Any:
    """The state that the threads share; its fields are named in `team_state.py`."""
    return carray(pointer_at(call, TEAM, INDEX), (MOST_FIELDS,))


@register_jitable
def inputs_of(call: Any, shape: Shape) -> Inputs:
    """What comes in, and where the logits go."""
    tokens, row_count = call[FIELDS.tokens], call[FIELDS.row_count]
    return Inputs(
        carray(
            pointer_at(call, FIELDS.word_embeddings, FLOAT), (shape.vocabulary, padded(shape.dim))
        ),
        carray(pointer_at(call, FIELDS.ids, INT), (tokens,)),
        carray(pointer_at(call, FIELDS.positions, INT), (tokens,)),
        carray(pointer_at(call, FIELDS.bounds, INT), (call[FIELDS.sequences] + 1,)),
        carray(pointer_at(call, FIELDS.rows, INT), (row_count,)),
        carray(pointer_at(call, FIELDS.logits, FLOAT), (row_count, padded(shape.classes))),
    )


@register_jitable
def weights_of(call: Any, shape: Shape, layout: OperandLayout) -> Weights:
    """Views of the weights."""
    weights, _ = weight_views(pointer_at(call, FIELDS.weights, FLOAT), shape, layout)
    return weights


@register_jitable
def buffers_of(
    call: Any, shape: Shape, layout: OperandLayout, attention_layout: OperandLayout, rank: int
) -> Buffers:
    """Views of the scratch."""
    scratch, tokens = pointer_at(call, FIELDS.scratch, FLOAT), call[FIELDS.tokens]
    buffers, _ = buffer_views(
        scratch, shape, layout, attention_layout, tokens, call[FIELDS.longest], rank
    )
    return buffers


@register_jitable
def linear_of(layers: Linear, n: int) -> Linear:
    """One of several stacked linear layers."""
    return Linear(layers.weight[n], layers.bias[n], layers.scale[n], layers.column_sum[n])


@register_jitable
def norm_of(layers: Norm, n: int) -> Norm:
    """One of several stacked layer norms."""
    return Norm(layers.weight[n], layers.bias[n], layers.epsilon[n])
