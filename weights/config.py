"""config.json -> Config: the shapes, the activation and the labels a checkpoint claims to have.

Which keys state them, and what holds where a key is missing, is up to the architecture (see
`minner.weights.architectures`). What the file claims is compared with the tensors later, in
`minner.weights.sizes`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from minner.errors import MinnerError, warn
from minner.kernels.activations import ACTIVATIONS
from minner.kernels.model import Shape
from minner.weights.architectures import ARCHITECTURES, architecture_of
from minner.weights.architectures.architecture import Architecture, Key
from minner.weights.files import read_json_object, typed_value
from minner.weights.labels import read_labels

_LARGEST = {
    "vocab_size": 1 << 20,
    "max_position_embeddings": 1 << 16,
    "n_layers": 1 << 10,
    "n_heads": 1 << 10,
    "dim": 1 << 16,
    "hidden_dim": 1 << 18,
}
"""Size -> the largest value believed; far above any model there is."""

_ACTIVATIONS = {given: name for name, one in ACTIVATIONS.items() for given in one.names}
"""A name in config.json -> the name of the same function here."""


class Config(NamedTuple):
    """The hyper-parameters of one token classifier, by DistilBERT's names.

    Attributes:
        model_type: its architecture, a key of `architectures.ARCHITECTURES`.
        vocab_size: V, rows of the word embeddings.
        max_position_embeddings: P, positions that a token can have.
        first_position: rows of the stored position table before that of the first token.
        n_layers: L.
        n_heads: H; divides `dim` once the checkpoint is validated.
        dim: D, model width.
        hidden_dim: F, feed-forward width.
        activation: a key of `minner.kernels.activations.ACTIVATIONS`, such as "gelu".
        layer_norm_eps: what every layer norm adds to the variance.
        labels: label by class index; empty where config.json names none, C long in a Checkpoint.
        sinusoidal_pos_embds: whether missing position embeddings are to be computed.
        tokenizer_class: the tokenizer that config.json names, as very old checkpoints do.
    """

    model_type: str
    vocab_size: int
    max_position_embeddings: int
    first_position: int
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
    def architecture(self) -> Architecture:
        """What is particular to its family."""
        return ARCHITECTURES[self.model_type]

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
            no model can have.
    """
    path = directory / "config.json"
    if not path.exists() and (directory / "adapter_config.json").exists():
        raise MinnerError(
            f"{directory} holds an adapter, not a whole model; merge it into its base model first "
            f"(in peft: merge_and_unload(), then save_pretrained)"
        )
    raw = read_json_object(path)
    architecture = architecture_of(path, raw)
    keys, first = architecture.keys, _first_position(path, raw, architecture)
    sizes = {field: _size(path, raw, field, keys[field]) for field in _LARGEST}
    sizes["max_position_embeddings"] -= first
    if sizes["max_position_embeddings"] < 1:
        raise MinnerError(f"{path}: pad_token_id {first - 1} leaves no positions for a text")
    return Config(
        **sizes,
        model_type=architecture.model_type,
        first_position=first,
        activation=_activation(path, raw, keys["activation"]),
        layer_norm_eps=_layer_norm_eps(path, raw, keys.get("layer_norm_eps")),
        labels=read_labels(path, raw),
        sinusoidal_pos_embds=typed_value(path, raw, "sinusoidal_pos_embds", bool) or False,
        tokenizer_class=typed_value(path, raw, "tokenizer_class", str),
    )


def corrected_json(raw: Mapping[str, Any], config: Config) -> dict[str, Any]:
    """Return `raw`, the object of a config.json, with the sizes and labels of `config` instead."""
    architecture = config.architecture
    aliases = {key.alias for key in architecture.keys.values()}
    sizes = {architecture.keys[field].name: getattr(config, field) for field in _LARGEST}
    sizes[architecture.keys["max_position_embeddings"].name] += config.first_position
    return {
        **{key: value for key, value in raw.items() if key not in aliases},
        "architectures": [architecture.token_classifier],
        "model_type": architecture.model_type,
        **sizes,
        "id2label": {str(index): label for index, label in enumerate(config.labels)},
        "label2id": {label: index for index, label in enumerate(config.labels)},
    }


def _first_position(path: Path, raw: Mapping[str, Any], architecture: Architecture) -> int:
    if architecture.padding_row is None:
        return 0
    row = raw.get("pad_token_id", architecture.padding_row)
    if type(row) is not int or row < 0:
        raise MinnerError(f"{path}: pad_token_id must be an integer from 0 up, not {row!r}")
    return row + 1


def _size(path: Path, raw: Mapping[str, Any], field: str, key: Key) -> int:
    """Return a size; its alias wins where both are given, as in transformers."""
    name, default, alias = key
    value = raw.get(name, default)
    if alias is not None and alias in raw:
        if name in raw and raw[alias] != value:
            warn(f"{path}: {name} is {value!r} but its alias {alias} is {raw[alias]!r}; using that")
        value = raw[alias]
    check_size(path, field, value, name)
    return int(value)


def check_size(path: Path, field: str, value: object, name: str | None = None) -> None:
    """Refuse a size that no model has.

    Args:
        path: what the value comes from.
        field: of Config.
        value: the size.
        name: what `path` calls it, if not by the name of the field.

    Raises:
        MinnerError: it is no integer, or not from 1 to the largest value believed.
    """
    largest = _LARGEST[field]
    if type(value) is not int or not 1 <= value <= largest:
        name = name or field
        raise MinnerError(f"{path}: {name} must be an integer from 1 to {largest}, not {value!r}")


def _activation(path: Path, raw: Mapping[str, Any], key: Key) -> str:
    name = raw.get(key.name, key.default)
    if not isinstance(name, str) or name not in _ACTIVATIONS:
        supported = ", ".join(_ACTIVATIONS)
        raise MinnerError(f"{path}: activation {name!r} is not supported; these are: {supported}")
    return _ACTIVATIONS[name]


def _layer_norm_eps(path: Path, raw: Mapping[str, Any], key: Key | None) -> float:
    if key is None:
        return 1e-12  # fixed in the code of DistilBERT
    value = raw.get(key.name, key.default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise MinnerError(f"{path}: {key.name} must be a number between 0 and 1, not {value!r}")
    return float(value)
