"""Random checkpoints of every family, written by transformers itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from families import FAMILIES, KEYS


def save_random(
    directory: Path,
    model_type: str,
    *,
    vocab_size: int = 150,
    max_positions: int = 24,
    dim: int = 32,
    n_heads: int = 4,
    n_layers: int = 2,
    hidden_dim: int = 37,
    n_labels: int = 9,
    activation: str = "gelu",
    layer_norm_eps: float = 1e-5,
) -> Path:
    """Have transformers make and write a model; return `directory`.

    Its weights are as tame as those of `checkpoints.py`: those that transformers draws are so small
    that attention would be uniform. `max_positions` are those that tokens can have.
    """
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    sizes = {
        "n_layers": n_layers,
        "n_heads": n_heads,
        "dim": dim,
        "hidden_dim": hidden_dim,
        "activation": activation,
    }
    family = FAMILIES.get(model_type)
    if family is not None:
        sizes = {KEYS[key]: value for key, value in sizes.items()}
        sizes["layer_norm_eps"] = layer_norm_eps
        max_positions += family.padding_rows
    if model_type == "electra":
        sizes["embedding_size"] = dim
    config = transformers.AutoConfig.for_model(
        model_type,
        vocab_size=vocab_size,
        max_position_embeddings=max_positions,
        num_labels=n_labels,
        **sizes,
    )
    torch.manual_seed(0)
    model: Any = transformers.AutoModelForTokenClassification.from_config(config)
    with torch.no_grad():
        for name, values in model.named_parameters():
            if "norm" in name.lower():
                values.normal_(1.0 if name.endswith("weight") else 0.0, 0.1)
            elif values.ndim == 2:
                values.normal_(0, 0.5 if "embeddings" in name else values.shape[1] ** -0.5)
            else:
                values.normal_(0, 0.1)
    model.save_pretrained(directory)
    return directory
