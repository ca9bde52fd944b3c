"""A checkpoint -> a directory that holds it in fewer bits, which minner and others can load.

What becomes of each kind of tensor:

| | bfloat16 | int8 |
|---|---|---|
| matrices of the transformer | BF16, but see below | I8, with a scale for each row |
| norms, biases, classifier | F32 | F32 |
| embeddings | as `embeddings` says | as `embeddings` says |

The numbers are those that the packer makes of the original. It multiplies q by 1/sqrt(d) before it
rounds; where that is no power of two (d = 32, say), bfloat16 values would be rounded to others a
second time, and `q_lin.weight` is stored as F32. Names and config.json follow compressed-tensors
(see `minner.weights.scales`), so that transformers loads the int8 model where that package is
installed, and refuses it in words where it is not.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minner.errors import MinnerError
from minner.weights.checkpoint import Checkpoint, open_checkpoint
from minner.weights.config import corrected_json
from minner.weights.files import read_json_object, reason
from minner.weights.hub import TOKENIZER_FILES
from minner.weights.numbers import (
    LARGEST_FLOAT8,
    from_bfloat16,
    scaled_to_bfloat16,
    score_factor,
    to_bfloat16,
    to_float8,
    to_int8,
)
from minner.weights.scales import SCALE
from minner.weights.tensors import StoredTensor, Written, write_safetensors
from minner.weights.tokenizer import read_tokenizer

PRECISIONS = ("bfloat16", "int8")

EMBEDDINGS = ("float16", "same", "float8", "int8")
"""How embeddings are stored: in 16 bits if they are in more, or as they are, or in one byte."""

_ENCODERS: dict[str, Callable[[NDArray[np.float32]], NDArray[Any]]] = {
    "BF16": to_bfloat16,
    "F8_E4M3": to_float8,
}
"""What turns float32 into the bits of a dtype; NumPy does it where there is none."""

_LARGEST_FLOAT16 = 65504.0

_COPIED = (
    *(*TOKENIZER_FILES, "*.model"),
    *("*.md", "LICEN[CS]E*", "NOTICE*"),
)
"""What goes along as it is: the tokenizer, and what people should know of the model."""


def convert(source: Path, target: Path, precision: str, embeddings: str = "float16") -> None:
    """Write the checkpoint in the directory `source` to `target`, all of it or nothing.

    Args:
        source: in Hugging Face's layout.
        target: a directory that is empty or does not exist; its parent does.
        precision: of the matrices, one of PRECISIONS.
        embeddings: one of EMBEDDINGS.

    Raises:
        MinnerError: `source` is no checkpoint that minner runs, or `target` cannot be written.
    """
    _check_target(target)
    checkpoint = open_checkpoint(source)
    read_tokenizer(source, checkpoint.config)
    tensors = dict(_tensors(checkpoint, precision, embeddings))
    config = _config(checkpoint, tensors)
    try:
        # Made beside the target, where renaming is one step, and removed whatever happens.
        with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as workshop:
            made = Path(workshop) / "model"
            made.mkdir()
            for file in files_to_copy(source):
                shutil.copyfile(file, made / file.name)
            (made / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
            write_safetensors(made / "model.safetensors", tensors)
            os.replace(made, target)
    except OSError as error:
        raise MinnerError(f"cannot write {target}: {reason(error)}") from error


def _check_target(target: Path) -> None:
    if target.is_dir() and any(target.iterdir()):
        raise MinnerError(f"{target} exists and is not empty; choose a new directory")
    if target.exists() and not target.is_dir():
        raise MinnerError(f"{target} is a file; choose a new directory")
    if not target.parent.is_dir():
        raise MinnerError(f"there is no directory {target.parent} to make {target.name} in")


def files_to_copy(source: Path) -> set[Path]:
    """The files of a checkpoint that go along as they are."""
    return {file for pattern in _COPIED for file in source.glob(pattern) if file.is_file()}


# ---- tensors ------------------------------------------------------------------------------------


def _tensors(
    checkpoint: Checkpoint, precision: str, embeddings: str
) -> Iterator[tuple[str, Written]]:
    """Every tensor to write, by the name that Hugging Face gives it."""
    width = checkpoint.config.dim // checkpoint.config.n_heads
    for name, stored in checkpoint.stored.items():
        full_name, values = checkpoint.config.architecture.full_name(name), stored.to_float32()
        dtype = "F32"
        if len(stored.shape) == 2 and name.startswith("embeddings."):
            dtype = _dtype_of_embeddings(stored, values, embeddings)
        elif len(stored.shape) == 2 and name.startswith("transformer."):
            dtype = {"bfloat16": "BF16", "int8": "I8"}[precision]
        if dtype == "BF16" and name.endswith(".q_lin.weight"):
            dtype, values = _query_in_bfloat16(values, score_factor(width))
        yield from _in_dtype(full_name, values, dtype)


def _dtype_of_embeddings(stored: StoredTensor, values: NDArray[np.float32], embeddings: str) -> str:
    if embeddings == "int8":
        return "I8"
    largest = np.abs(values).max()
    if embeddings == "float8" and largest <= LARGEST_FLOAT8:
        return "F8_E4M3"
    if embeddings == "float16" and stored.dtype in ("F32", "F64") and largest <= _LARGEST_FLOAT16:
        return "F16"
    return "F32" if stored.dtype == "F64" else stored.dtype  # no kernel sees more than float32


def _query_in_bfloat16(
    values: NDArray[np.float32], factor: np.float32
) -> tuple[str, NDArray[np.float32]]:
    """The dtype and the values of q: BF16 where it does not matter that q is rounded twice."""
    rounded = from_bfloat16(to_bfloat16(values))
    if np.array_equal(to_bfloat16(values * factor), to_bfloat16(rounded * factor)):
        return "BF16", values
    return "F32", scaled_to_bfloat16(values, factor)


def _in_dtype(name: str, values: NDArray[np.float32], dtype: str) -> Iterator[tuple[str, Written]]:
    """A tensor, and its scales in int8."""
    if dtype == "I8":
        quantised, scales = to_int8(values)
        yield name, ("I8", quantised)
        yield name + SCALE, ("F32", scales[:, None])
    else:
        yield name, (dtype, _ENCODERS.get(dtype, np.asarray)(values))


# ---- config.json --------------------------------------------------------------------------------


def _config(checkpoint: Checkpoint, tensors: Mapping[str, Written]) -> dict[str, Any]:
    """The config.json of the original, corrected by its tensors, with a mark of what is int8."""
    raw = read_json_object(checkpoint.directory / "config.json")
    for key in ("torch_dtype", "quantization_config"):  # of the original
        raw.pop(key, None)
    config = corrected_json(raw, checkpoint.config)
    # To transformers the type of all parameters: in float32 every one of these has its exact value.
    config["dtype"] = "float32"
    quantised = {name for name, (dtype, _) in tensors.items() if dtype == "I8"}
    if quantised:
        config["quantization_config"] = _quantization_config(quantised)
    return config


def _quantization_config(names: set[str]) -> dict[str, Any]:
    """What compressed-tensors must know: int8 weights by row, and x by token while it runs."""
    weights = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}
    x = {**weights, "strategy": "token", "dynamic": True}
    groups = {}
    if any(".layer." in name for name in names):
        groups["linear"] = {"targets": ["Linear"], "weights": weights, "input_activations": x}
    if any(".embeddings." in name for name in names):
        groups["embeddings"] = {
            "targets": ["Embedding"],
            "weights": weights,
            "format": "int-quantized",  # or weights alone would be taken for packed ones
        }
    return {
        "quant_method": "compressed-tensors",
        "format": "int-quantized",
        "quantization_status": "compressed",
        "config_groups": groups,
        "ignore": ["classifier"],
    }
