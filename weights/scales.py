"""Tensors in int8, and the scales that are stored beside them.

Names and shapes are those of the format "int-quantized" of compressed-tensors
(https://github.com/vllm-project/compressed-tensors), which transformers and vLLM read: `x.weight`
is I8 `[N, K]`, `x.weight_scale` has the N scales of its rows as `[N, 1]`, and the weight is their
product. The format's other ways are refused: one scale for a tensor or for a part of a row, and
weights that are not symmetric, which have a `x.weight_zero_point`.
"""

from collections.abc import Mapping

from minner.errors import MinnerError
from minner.weights.tensors import StoredTensor

SCALE = "_scale"
"""What the name of a tensor's scales adds to the tensor's own."""

_ZERO_POINT = "_zero_point"


def join_scales(tensors: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """Return `tensors` with the scales as a part of what they belong to.

    Raises:
        MinnerError: a tensor in int8 is quantised in another way than by a scale for each row.
    """
    joined = dict(tensors)
    for name, tensor in tensors.items():
        scale = tensors.get(name + SCALE)
        if tensor.dtype != "I8" or scale is None:
            continue
        rows = tensor.shape[:1]
        if name + _ZERO_POINT in tensors:
            raise _refusal(tensor, "with zero points")
        if len(tensor.shape) != 2 or scale.shape not in (rows, (*rows, 1)):
            raise _refusal(tensor, f"{list(tensor.shape)} with scales {list(scale.shape)}")
        joined[name] = tensor._replace(scale=joined.pop(name + SCALE))
    return joined


def _refusal(tensor: StoredTensor, found: str) -> MinnerError:
    return MinnerError(
        f"{tensor.path}: tensor {tensor.name!r} is I8 {found}; minner reads matrices with one "
        f"scale for each row: use the original, unquantised checkpoint"
    )
