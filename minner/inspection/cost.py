"""What a model costs: parameters, bytes in memory and FLOPs, from its sizes alone."""

from __future__ import annotations

import math
from typing import Any

from minner.weights.config import Config
from minner.weights.names import expected_shapes

LENGTHS = (16, 128, 512)
"""Sequence lengths, in pieces, that FLOPs are given for."""


def describe_cost(config: Config) -> dict[str, Any]:
    """Return parameters by part, bytes by precision, and FLOPs per token by sequence length."""
    lengths = sorted({min(length, config.max_position_embeddings) for length in LENGTHS})
    return {
        "parameters": parameters(config),
        "bytes": weight_bytes(config),
        "flops_per_token": {
            "products": product_flops(config),
            "by_length": {n: product_flops(config) + attention_flops(config, n) for n in lengths},
        },
    }


def parameters(config: Config) -> dict[str, int]:
    """Count the parameters that the forward pass uses: embeddings, layers, classifier, total."""
    parts = {"embeddings": 0, "transformer": 0, "classifier": 0}
    for name, shape in expected_shapes(config).items():
        parts[name.split(".")[0]] += math.prod(shape)
    return {**parts, "total": sum(parts.values())}


def weight_bytes(config: Config) -> dict[str, int]:
    """Return the bytes that the weights of a loaded model take in each precision.

    A precision is that of the matrices of the transformer. Embeddings, biases, norms and classifier
    stay float32 (4 bytes), and int8 adds a float32 scale and an int32 sum for each row of a matrix.
    Not counted are the zeros that fill up odd sizes, and the rows of the classifier.
    """
    total = 4 * parameters(config)["total"]
    matrices = [
        shape
        for name, shape in expected_shapes(config).items()
        if len(shape) == 2 and name.startswith("transformer.")
    ]
    elements = sum(map(math.prod, matrices))
    rows = sum(shape[0] for shape in matrices)
    return {
        "float32": total,
        "bfloat16": total - 2 * elements,
        "int8": total - 3 * elements + 8 * rows,
    }


def product_flops(config: Config) -> int:
    """Return the FLOPs per token of the linear layers: 2 L (4 D² + 2 D F) + 2 D C.

    Two for each weight: per layer four matrices `[D, D]` (q, k, v, out) and two of `[F, D]` and
    `[D, F]`, and the classifier `[C, D]`. Biases, norms, activation and softmax, under 1 % of the
    whole at the sizes of DistilBERT, do not count.
    """
    D, F = config.dim, config.hidden_dim
    return 2 * config.n_layers * (4 * D * D + 2 * D * F) + 2 * D * len(config.labels)


def attention_flops(config: Config, length: int) -> int:
    """Return the FLOPs per token of attention in a sequence of `length` tokens: 4 L D T.

    Each token's query meets T keys (2 D T over all heads), and its T weights sum as many values
    (2 D T), in each of L layers.
    """
    return 4 * config.n_layers * config.dim * length
