"""Random checkpoints of every family, written by the tests themselves with tables of their own.

The arithmetic is that of `checkpoints.write_checkpoint`; only names, keys, the position table and
the table of token types differ, as transformers has them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from checkpoints import write_checkpoint, write_json, write_safetensors


class Family(NamedTuple):
    """What the files of a family have that those of the others have not."""

    name: str  # of its classes in transformers
    prefix: str
    padding_rows: int = 0
    token_types: int = 2
    settings: Mapping[str, Any] = {}


FAMILIES = {
    "bert": Family("Bert", "bert", settings={"pad_token_id": 0}),
    "electra": Family("Electra", "electra", settings={"pad_token_id": 0}),
    "roberta": Family("Roberta", "roberta", 2, 1, {"layer_norm_eps": 1e-5, "pad_token_id": 1}),
    "xlm-roberta": Family(
        "XLMRoberta", "roberta", 2, 1, {"layer_norm_eps": 1e-5, "pad_token_id": 1}
    ),
    "camembert": Family("Camembert", "roberta", 2, 1, {"layer_norm_eps": 1e-5, "pad_token_id": 1}),
}

SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "heads of 33, a large epsilon": {
        "dim": 66,
        "n_heads": 2,
        "hidden_dim": 130,
        "n_labels": 33,
        "layer_norm_eps": 0.03,
    },
    "one head, one layer, relu": {"dim": 37, "n_heads": 1, "n_layers": 1, "activation": "relu"},
    "three layers, gelu_new": {
        "dim": 24,
        "n_heads": 3,
        "n_layers": 3,
        "hidden_dim": 100,
        "activation": "gelu_new",
    },
}

KEYS = {
    "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads",
    "dim": "hidden_size",
    "hidden_dim": "intermediate_size",
    "activation": "hidden_act",
}

MODULES = (
    ("transformer.layer", "encoder.layer"),
    ("attention.q_lin", "attention.self.query"),
    ("attention.k_lin", "attention.self.key"),
    ("attention.v_lin", "attention.self.value"),
    ("attention.out_lin", "attention.output.dense"),
    ("sa_layer_norm", "attention.output.LayerNorm"),
    ("ffn.lin1", "intermediate.dense"),
    ("ffn.lin2", "output.dense"),
    ("output_layer_norm", "output.LayerNorm"),
)


def write_family(directory: Path, model_type: str, **shape: Any) -> Path:
    """Write a random token classifier of a family; return `directory`.

    Args:
        directory: created if need be.
        model_type: a key of FAMILIES.
        shape: as for `write_checkpoint`; `max_positions` are those that tokens can have.
    """
    family = FAMILIES[model_type]
    write_checkpoint(directory, **{"max_positions": 24, **shape})
    config = json.loads((directory / "config.json").read_text())
    positions = config["max_position_embeddings"] + family.padding_rows
    renamed = {KEYS.get(key, key): value for key, value in config.items()}
    del renamed["sinusoidal_pos_embds"]
    own = {
        "model_type": model_type,
        "architectures": [f"{family.name}ForTokenClassification"],
        "max_position_embeddings": positions,
        "type_vocab_size": family.token_types,
        **({"embedding_size": config["dim"]} if model_type == "electra" else {}),
    }
    given = {"layer_norm_eps": shape["layer_norm_eps"]} if "layer_norm_eps" in shape else {}
    write_json(directory / "config.json", {**renamed, **own, **family.settings, **given})
    tensors = load_file(directory / "model.safetensors")
    write_safetensors(directory / "model.safetensors", family_tensors(family, tensors))
    return directory


def family_tensors(
    family: Family, tensors: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """The tensors of DistilBERT under a family's names, with the tables that it has beside them."""
    renamed = {family_name(family, name): values for name, values in tensors.items()}
    embeddings = f"{family.prefix}.embeddings"
    positions = f"{embeddings}.position_embeddings.weight"
    random, width = np.random.default_rng(9), renamed[positions].shape[1]

    def table(rows: int) -> NDArray[np.float32]:
        return random.normal(0, 0.5, (rows, width)).astype(np.float32)

    renamed[positions] = np.concatenate([table(family.padding_rows), renamed[positions]])
    return {**renamed, f"{embeddings}.token_type_embeddings.weight": table(family.token_types)}


def family_name(family: Family, name: str) -> str:
    """A family's name of a tensor of DistilBERT."""
    for ours, theirs in MODULES:
        name = name.replace(f".{ours}.", f".{theirs}.")
    return name.replace("distilbert.", f"{family.prefix}.", 1)
