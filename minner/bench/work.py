"""The work of a forward pass, counted from the sizes of a model."""

from __future__ import annotations

from minner.kernels.model import attention_flops, head_weights, layer_weights, product_flops
from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS
from minner.weights.config import Config


def matrix_weights(config: Config) -> int:
    """Weights of all matrix products; each is used once per token."""
    return layer_weights(config.shape) + head_weights(config.shape)


def weight_bytes(config: Config, precision: str = "float32") -> int:
    """Bytes of the same in a precision, the classifier always in float32: no call can read less."""
    matrices = 4 // OPERAND_LAYOUTS[precision].weights_per_dword * layer_weights(config.shape)
    return matrices + 4 * head_weights(config.shape)


def forward_flops(config: Config, tokens: int) -> int:
    """Floating-point operations of one sequence: two per multiply-add, products only.

    Norms, softmax and activations take time but count as nothing.
    """
    return tokens * (product_flops(config.shape) + attention_flops(config.shape, tokens))
