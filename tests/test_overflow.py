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


@pytest.mark.parametrize("label", [0, -1])
def test_one_logit_that_is_not_finite_is_enough(tmp_path: Path, label: int) -> None:
    directory = write(tmp_path, "classifier.weight", 1)
    tensors = random_tensors(0, SHAPE)
    tensors["classifier.weight"][label] = np.float32(3e38)
    write_safetensors(directory / "model.safetensors", tensors)
    ner = minner.load(directory, threads=1)
    with pytest.raises(MinnerError, match="too large for float32, first in classifier"):
        ner.logits([np.arange(9)])


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("length", [16, 20])
@pytest.mark.parametrize("linear", ["q_lin", "k_lin", "v_lin"])
def test_attention_hides_no_overflow(
    tmp_path: Path, precision: str, length: int, linear: str
) -> None:
    """A softmax makes finite numbers of infinite scores, unless it takes care."""
    name = f"{LAYER}.attention.{linear}"
    path = write(tmp_path, f"{name}.weight", 2e38)
    ner = minner.load(path, threads=1, precision=precision)
    with pytest.raises(MinnerError, match=r"transformer\.layer\.1\.attention\." + linear):
        ner.logits([np.arange(length)])


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("bias", [2e38, -2e38])
def test_scores_that_are_all_infinite_are_noticed(
    tmp_path: Path, precision: str, bias: float
) -> None:
    """Of queries and keys that are each finite; -inf less -inf is no number, as in NumPy."""
    write_checkpoint(tmp_path)
    tensors = random_tensors(0, SHAPE)
    for linear, value in (("q_lin", 2e38), ("k_lin", bias)):
        tensors[f"{LAYER}.attention.{linear}.weight"][:] = 0
        tensors[f"{LAYER}.attention.{linear}.bias"][:] = value
    write_safetensors(tmp_path / "model.safetensors", tensors)
    ner = minner.load(tmp_path, threads=1, precision=precision)
    for length in (16, 20):
        with pytest.raises(MinnerError, match=r"transformer\.layer\.1\.attention\.weights"):
            ner.logits([np.arange(length)])


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
