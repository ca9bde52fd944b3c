"""Architecture, sizes and longest input, as far as config.json tells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minner.inspection.findings import Findings
from minner.weights.config import Config
from minner.weights.tokenizer import Vocabulary
from minner.weights.tokenizer_settings import read_tokenizer_settings

_ELSEWHERE = {
    "n_layers": ("n_layers", "num_hidden_layers", "n_layer"),
    "n_heads": ("n_heads", "num_attention_heads", "n_head"),
    "dim": ("dim", "hidden_size", "d_model", "n_embd"),
    "hidden_dim": ("hidden_dim", "intermediate_size", "d_ff"),
    "activation": ("activation", "hidden_act"),
    "vocab_size": ("vocab_size",),
}
"""Our name -> the names that DistilBERT and other architectures have in config.json."""


def describe_model(raw: Mapping[str, Any], config: Config | None) -> dict[str, Any]:
    """Return architecture and sizes.

    Args:
        raw: config.json as it is.
        config: what minner makes of it, corrected by the tensors; where it makes nothing of it,
            the claims of `raw` are returned.
    """
    claims = {
        name: next((raw[key] for key in keys if key in raw), None)
        for name, keys in _ELSEWHERE.items()
    }
    sizes = claims if config is None else {name: getattr(config, name) for name in _ELSEWHERE}
    return {
        "model_type": raw.get("model_type"),
        "architectures": raw.get("architectures"),
        **sizes,
        "head_width": config and config.dim // config.n_heads,
    }


def describe_length(
    directory: Path,
    raw: Mapping[str, Any],
    config: Config | None,
    vocabulary: Vocabulary | None,
    findings: Findings,
) -> dict[str, Any]:
    """Return how many wordpieces, with special tokens, the model takes at once, and who says so."""
    settings = findings.attempt(read_tokenizer_settings, directory)
    positions = config.max_position_embeddings if config else raw.get("max_position_embeddings")
    stated = settings.max_length if settings else None
    if config and stated and stated < config.max_position_embeddings:
        findings.warn(
            f"tokenizer_config.json limits the model to {stated:g} wordpieces at once, though it "
            f"has {config.max_position_embeddings} positions"
        )
    return {
        "positions": positions,
        "model_max_length": stated,
        "wordpieces": vocabulary and vocabulary.max_length,
    }
