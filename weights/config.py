"""config.json -> Config: the shapes, the activation and the labels a checkpoint claims to have.

The keys, their aliases and the defaults for missing keys are those of Hugging Face's
`DistilBertConfig` (transformers 5). What the file claims is compared with the tensors later, in
`minner.weights.sizes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minner.errors import MinnerError, warn
from minner.kernels.model import Shape
from minner.weights.files import read_json_object, typed_value
from minner.weights.labels import read_labels

_SIZES = {
    "vocab_size": (30522, 1 << 20),
    "max_position_embeddings": (512, 1 << 16),
    "n_layers": (6, 1 << 10),
    "n_heads": (12, 1 << 10),
    "dim": (768, 1 << 16),
    "hidden_dim": (3072, 1 << 18),
}
"""Key -> (default when missing, largest value believed); far above any DistilBERT there is."""

_ALIASES = {"n_layers": "num_hidden_layers", "n_heads": "num_attention_heads", "dim": "hidden_size"}

_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
"""Hugging Face's name -> the name of the same function here."""


@dataclass(frozen=True, slots=True)
class Config:
    """The hyper-parameters of one DistilBERT token classifier.

    Attributes:
        vocab_size: V, rows of the word embeddings.
        max_position_embeddings: rows of the position embeddings.
        n_layers: L.
        n_heads: H; divides `dim` once the checkpoint is validated.
        dim: D, model width.
        hidden_dim: F, feed-forward width.
        activation: "gelu" (exact, by erf), "gelu_tanh", "relu" or "silu".
        layer_norm_eps: what every layer norm adds to the variance.
        labels: label by class index; empty where config.json names none, C long in a Checkpoint.
        sinusoidal_pos_embds: whether missing position embeddings are to be computed.
        tokenizer_class: the tokenizer that config.json names, as very old checkpoints do.
    """

    vocab_size: int
    max_position_embeddings: int
    n_layers: int
    n_heads: int
    dim: int
    hidden_dim: int
    activation: str
    layer_norm_eps: float
    labels: tuple[str, ...]
    sinusoidal_pos_embds: bool
    tokenizer_class: str | None

    @property
    def shape(self) -> Shape:
        """The sizes alone."""
        return Shape(
            vocabulary=self.vocab_size,
            positions=self.max_position_embeddings,
            layers=self.n_layers,
            heads=self.n_heads,
            dim=self.dim,
            hidden_dim=self.hidden_dim,
            classes=len(self.labels),
        )


def read_config(directory: Path) -> Config:
    """Return what `directory`/config.json says.

    Raises:
        MinnerError: the file is missing, broken, of another architecture, or holds a value that
            no DistilBERT can have.
    """
    path = directory / "config.json"
    raw = read_json_object(path)
    _check_model_type(path, raw)
    sizes = {key: _size(path, raw, key) for key in _SIZES}
    return Config(
        **sizes,
        activation=_activation(path, raw),
        layer_norm_eps=1e-12,  # DistilBERT's config has no such key
        labels=read_labels(path, raw),
        sinusoidal_pos_embds=typed_value(path, raw, "sinusoidal_pos_embds", bool) or False,
        tokenizer_class=typed_value(path, raw, "tokenizer_class", str),
    )


def corrected_json(raw: Mapping[str, Any], config: Config) -> dict[str, Any]:
    """Return `raw`, the object of a config.json, with the sizes and labels of `config` instead."""
    return {
        **{key: value for key, value in raw.items() if key not in _ALIASES.values()},
        "architectures": ["DistilBertForTokenClassification"],
        "model_type": "distilbert",
        **{key: getattr(config, key) for key in _SIZES},
        "id2label": {str(index): label for index, label in enumerate(config.labels)},
        "label2id": {label: index for index, label in enumerate(config.labels)},
    }


def _check_model_type(path: Path, raw: Mapping[str, Any]) -> None:
    """Refuse other architectures; without `model_type`, DistilBERT's own key names will do."""
    model_type = raw.get("model_type")
    if model_type is None and raw.keys() & {"n_layers", "n_heads", "dim", "hidden_dim"}:
        return
    if model_type != "distilbert":
        claim = "has no model_type" if model_type is None else f"has model_type {model_type!r}"
        raise MinnerError(f"{path} {claim}; minner runs DistilBERT token classifiers only")


def _size(path: Path, raw: Mapping[str, Any], key: str) -> int:
    """Return the size under `key`; its alias wins where both are given, as in transformers."""
    value = raw.get(key, _SIZES[key][0])
    alias = _ALIASES.get(key)
    if alias is not None and alias in raw:
        if key in raw and raw[alias] != value:
            warn(f"{path}: {key} is {value!r} but its alias {alias} is {raw[alias]!r}; using that")
        value = raw[alias]
    check_size(path, key, value)
    return int(value)


def check_size(path: Path, key: str, value: object) -> None:
    """Refuse a size that no model has.

    Raises:
        MinnerError: it is no integer, or not from 1 to the largest value believed.
    """
    largest = _SIZES[key][1]
    if type(value) is not int or not 1 <= value <= largest:
        raise MinnerError(f"{path}: {key} must be an integer from 1 to {largest}, not {value!r}")


def _activation(path: Path, raw: Mapping[str, Any]) -> str:
    name = raw.get("activation", "gelu")
    if not isinstance(name, str) or name not in _ACTIVATIONS:
        supported = ", ".join(_ACTIVATIONS)
        raise MinnerError(f"{path}: activation {name!r} is not supported; these are: {supported}")
    return _ACTIVATIONS[name]
