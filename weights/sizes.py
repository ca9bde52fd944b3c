"""What config.json claims, corrected by the tensors: they are what will be multiplied."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from minner.errors import MinnerError, warn
from minner.weights.config import Config
from minner.weights.labels import fit_labels
from minner.weights.names import layer_count
from minner.weights.tensors import StoredTensor

_MEASURED_BY = {
    "vocab_size": ("embeddings.word_embeddings.weight", 0),
    "max_position_embeddings": ("embeddings.position_embeddings.weight", 0),
    "dim": ("embeddings.word_embeddings.weight", 1),
    "hidden_dim": ("transformer.layer.0.ffn.lin1.weight", 0),
}
"""Config field -> the tensor that decides it, and the axis; the tensors must agree on the rest."""


def fit_config(path: Path, config: Config, tensors: Mapping[str, StoredTensor]) -> Config:
    """Return `config`, read from `path`, with the sizes and labels that `tensors` show.

    One warning lists the differences: enlarged vocabularies, more or fewer than 512 positions and
    a wrong number of layers are all met. A tensor that is missing or has the wrong rank decides
    nothing here; it fails when all shapes are compared.

    Raises:
        MinnerError: the heads do not divide the width.
    """
    measured = {field: _measure(tensors, *where) for field, where in _MEASURED_BY.items()}
    measured["n_layers"] = layer_count(tensors)
    changes: dict[str, Any] = {
        field: size for field, size in measured.items() if size and size != getattr(config, field)
    }
    if changes:
        listed = ", ".join(f"{key} {getattr(config, key)} -> {changes[key]}" for key in changes)
        warn(f"{path} or its defaults disagree with the tensors, which are trusted: {listed}")
    # Like every size, the classes are at least one: a tensor of zero rows must not pass later.
    n_classes = _measure(tensors, "classifier.weight", 0) or len(config.labels) or 1
    fitted = replace(config, labels=fit_labels(path, config.labels, n_classes), **changes)
    if fitted.dim % fitted.n_heads:
        raise MinnerError(f"{path}: n_heads {fitted.n_heads} does not divide dim {fitted.dim}")
    return fitted


def _measure(tensors: Mapping[str, StoredTensor], name: str, axis: int) -> int:
    """Return the size of a matrix along `axis`, 0 if it is missing or no matrix."""
    tensor = tensors.get(name)
    return tensor.shape[axis] if tensor is not None and len(tensor.shape) == 2 else 0
