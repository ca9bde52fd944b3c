"""What a model costs: parameters, bytes in memory and FLOPs, from its sizes alone."""

from __future__ import annotations

import math
from typing import Any

from minner.kernels.model import attention_flops, product_flops, tensor_shapes
from minner.weights.config import Config

LENGTHS = (16, 128, 512)
"""Sequence lengths, in wordpieces, that FLOPs are given for."""


def describe_cost(config: Config) -> dict[str, Any]:
    """Return parameters by part, bytes by precision, and FLOPs per token by sequence length."""
    products = product_flops(config.shape)
    lengths = sorted({min(length, config.max_position_embeddings) for length in LENGTHS})
    return {
        "parameters": parameters(config),
        "bytes": weight_bytes(config),
        "flops_per_token": {
            "products": products,
            "by_length": {n: products + attention_flops(config.shape, n) for n in lengths},
        },
    }


def parameters(config: Config) -> dict[str, int]:
    """Count the parameters that the forward pass uses: embeddings, layers, classifier, total."""
    parts = {"embeddings": 0, "transformer": 0, "classifier": 0}
    for name, shape in tensor_shapes(config.shape).items():
        parts[name.split(".")[0]] += math.prod(shape)
    return {**parts, "total": sum(parts.values())}


def weight_bytes(config: Config) -> dict[str, int]:
    """Return the bytes that the weights of a loaded model take in each precision.

    A precision is that of the matrices of the transformer. Embeddings, biases, norms and classifier
    stay float32 (4 bytes), and int8 adds a float32 scale and an int32 sum for each row of a matrix.
    Not counted are the zeros that fill up odd sizes and the rows of the classifier, and 128 bytes
    for what each norm adds to the variance.
    """
    total = 4 * parameters(config)["total"]
    matrices = [
        shape
        for name, shape in tensor_shapes(config.shape).items()
        if len(shape) == 2 and name.startswith("transformer.")
    ]
    elements = sum(map(math.prod, matrices))
    rows = sum(shape[0] for shape in matrices)
    return {
        "float32": total,
        "bfloat16": total - 2 * elements,
        "int8": total - 3 * elements + 8 * rows,
    }
