"""Weights that are finite, and numbers on the way that are not: an error that names the layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import minner
from checkpoints import random_tensors, write_checkpoint, write_safetensors
from minner.errors import MinnerError
from test_weights_checkpoint import SHAPE

LAYER = "distilbert.transformer.layer.1"


def write(directory: Path, name: str, factor: float) -> Path:
    """Write a checkpoint of which one tensor is so much larger."""
    write_checkpoint(directory)
    tensors = random_tensors(0, SHAPE)
    tensors[name] = tensors[name] * np.float32(factor)
    write_safetensors(directory / "model.safetensors", tensors)
    return directory


@pytest.mark.parametrize(
    ("name", "part"),
    [
        (f"{LAYER}.ffn.lin2.weight", "transformer.layer.1"),
        (f"{LAYER}.attention.out_lin.weight", "transformer.layer.1"),
        ("classifier.weight", "classifier"),
    ],
)
def test_an_overflow_in_float32_names_its_layer(tmp_path: Path, name: str, part: str) -> None:
    ner = minner.load(write(tmp_path, name, 2e38), threads=1)
    match = f"too large for float32, first in {part}[a-z0-9_.]*; its weights are"
    with pytest.raises(MinnerError, match=match):
        ner("My name is John Smith.")
    with pytest.raises(MinnerError, match=match):
        ner.logits([np.arange(9)])
    with pytest.raises(MinnerError, match=match):
        ner.document("My name is John Smith.")


def test_the_model_goes_on_after_an_overflow(tmp_path: Path) -> None:
    """One wordpiece overflows; texts without it do not, and have the bits that they would have."""
    write_checkpoint(tmp_path)
    tensors = random_tensors(0, SHAPE)
    sound = minner.load(tmp_path, threads=1).logits([np.arange(20)])
    tensors["distilbert.embeddings.word_embeddings.weight"][40] = 3e38
    write_safetensors(tmp_path / "model.safetensors", tensors)
    ner = minner.load(tmp_path, threads=1)
    with pytest.raises(MinnerError, match="first in embeddings"):
        ner.logits([np.arange(20), np.array([3, 40, 4])])
    np.testing.assert_array_equal(ner.logits([np.arange(20)]), sound)
