"""What config.json claims, corrected by the tensors: they are what will be multiplied."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minner.errors import MinnerError, warn
from minner.kernels.model import measured_by
from minner.weights.config import Config, check_size
from minner.weights.labels import fit_labels
from minner.weights.names import layer_count
from minner.weights.tensors import StoredTensor

_LETTERS = {"vocab_size": "V", "max_position_embeddings": "P", "dim": "D", "hidden_dim": "F"}
"""Config field -> the letter of that size. One tensor decides it; the others must agree."""


def fit_config(path: Path, config: Config, tensors: Mapping[str, StoredTensor]) -> Config:
    """Return `config`, read from `path`, with the sizes and labels that `tensors` show.

    One warning lists the differences: enlarged vocabularies, more or fewer than 512 positions and
    a wrong number of layers are all met. A tensor that is missing or has the wrong rank decides
    nothing here; it fails when all shapes are compared.

    Raises:
        MinnerError: the heads do not divide the width.
    """
    measured = {field: _measure(tensors, letter) for field, letter in _LETTERS.items()}
    measured["n_layers"] = layer_count(tensors)
    measured["max_position_embeddings"] -= config.first_position
    changes: dict[str, Any] = {
        field: size
        for field, size in measured.items()
        if size > 0 and size != getattr(config, field)
    }
    for field, size in changes.items():
        check_size(path, field, size)
    if changes:
        listed = ", ".join(_change(config, field, size) for field, size in changes.items())
        warn(f"{path} or its defaults disagree with the tensors, which are trusted: {listed}")
    # Like every size, the classes are at least one: a tensor of zero rows must not pass later.
    n_classes = _measure(tensors, "C") or len(config.labels) or 1
    fitted = config._replace(labels=fit_labels(path, config.labels, n_classes), **changes)
    if fitted.dim % fitted.n_heads:
        heads, width = (config.architecture.keys[field].name for field in ("n_heads", "dim"))
        raise MinnerError(f"{path}: {heads} {fitted.n_heads} does not divide {width} {fitted.dim}")
    return fitted


def _change(config: Config, field: str, size: int) -> str:
    """Say what a size was and what it is, by the names and in the terms of config.json."""
    more = config.first_position if field == "max_position_embeddings" else 0
    name = config.architecture.keys[field].name
    return f"{name} {getattr(config, field) + more} -> {size + more}"


def _measure(tensors: Mapping[str, StoredTensor], letter: str) -> int:
    """Return a size as the first matrix shows it, 0 if that is missing or no matrix."""
    name, axis = measured_by(letter)
    tensor = tensors.get(name)
    return tensor.shape[axis] if tensor is not None and len(tensor.shape) == 2 else 0
