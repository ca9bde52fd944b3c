"""The work of a forward pass, counted from the sizes of a model."""

from __future__ import annotations

from minner.kernels.runtime.operand_layout import FORMS
from minner.weights.config import Config


def matrix_weights(config: Config) -> int:
    """Weights of all matrix products; each is used once per token."""
    return _layer_weights(config) + config.dim * len(config.labels)


def weight_bytes(config: Config, precision: str = "float32") -> int:
    """Bytes of the same in a precision, the classifier always in float32: no call can read less."""
    return 4 // FORMS[precision].step * _layer_weights(config) + 4 * config.dim * len(config.labels)


def _layer_weights(config: Config) -> int:
    layer = 4 * config.dim**2 + 2 * config.dim * config.hidden_dim
    return config.n_layers * layer


def forward_flops(config: Config, tokens: int) -> int:
    """Floating-point operations of one sequence: two per multiply-add, products only.

    Norms, softmax and activations take time but count as nothing.
    """
    attention = 2 * config.n_layers * config.dim * tokens  # scores, and context, of one token
    return 2 * tokens * (matrix_weights(config) + attention)
