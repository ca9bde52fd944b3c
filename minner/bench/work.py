"""The work of a forward pass, counted from the sizes of a model."""

from __future__ import annotations

from minner.weights.config import Config


def matrix_weights(config: Config) -> int:
    """Weights of all matrix products; each is used once per token."""
    layer = 4 * config.dim**2 + 2 * config.dim * config.hidden_dim
    return config.n_layers * layer + config.dim * len(config.labels)


def weight_bytes(config: Config) -> int:
    """Bytes of the same in float32: no call can read less."""
    return 4 * matrix_weights(config)


def forward_flops(config: Config, tokens: int) -> int:
    """Floating-point operations of one sequence: two per multiply-add, products only.

    Norms, softmax and activations take time but count as nothing.
    """
    attention = 2 * config.n_layers * config.dim * tokens  # scores, and context, of one token
    return 2 * tokens * (matrix_weights(config) + attention)
