"""What the kernels' trace says equals the reference, whole and with parts left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minner
from checkpoints import write_checkpoint
from minner import reference
from minner.explain.by_kernels import logits_by_kernels, run_by_kernels
from minner.explain.by_reference import run_by_reference
from minner.explain.without import Without

TOLERANCE = {"float32": 1e-5, "bfloat16": 0.06, "int8": 0.15}
"""Largest difference of a value; those of the states are of order one. Attention probabilities and
everything after them follow the rounding of their inputs."""

SHAPES: list[dict[str, Any]] = [
    {},
    {"n_layers": 1, "n_heads": 1, "dim": 8, "hidden_dim": 5},
    {"n_layers": 3, "n_heads": 3, "dim": 33, "hidden_dim": 50, "activation": "relu"},
    {"n_layers": 2, "n_heads": 2, "dim": 96, "hidden_dim": 130, "max_positions": 128},
]

PARTS = {
    "nothing": Without(),
    "a head": Without(heads=frozenset([(0, 0)])),
    "an attention": Without(attentions=frozenset([0])),
    "a feed-forward": Without(feed_forwards=frozenset([0])),
    "the first layer": Without(layers=frozenset([0])),
}


def both(
    path: Path, precision: str, without: Without, count: int = 23, threads: int = 2
) -> tuple[dict[str, Any], dict[str, Any]]:
    ner = minner.load(path, precision=precision, threads=threads)
    ids = np.random.default_rng(5).integers(0, ner.config.vocab_size, count, dtype=np.int32)
    model, config = reference.nested(ner._checkpoint.tensors), ner.config
    kernels = run_by_kernels(ner._reader.engine, ids, model, without)
    return kernels, run_by_reference(
        ids, model, config.n_heads, config.activation, config.layer_norm_eps, without
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_array_equals_the_reference(shape: dict[str, Any], tmp_path: Path) -> None:
    kernels, expected = both(write_checkpoint(tmp_path, **shape), "float32", Without())
    assert list(kernels) == list(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(kernels[name], array, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("part", PARTS)
def test_a_part_left_out_is_left_out_of_both(precision: str, part: str, tiny_path: Path) -> None:
    kernels, expected = both(tiny_path, precision, PARTS[part])
    for name, array in expected.items():
        scale = max(1.0, float(np.abs(array).max()))
        tolerance = TOLERANCE[precision] * scale
        np.testing.assert_allclose(kernels[name], array, atol=tolerance, err_msg=name)


def test_the_last_layer_can_be_left_out_too(tiny_path: Path) -> None:
    kernels, expected = both(tiny_path, "float32", Without(layers=frozenset([1])))
    np.testing.assert_allclose(kernels["classifier"], expected["classifier"], atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("precision", TOLERANCE)
def test_a_traced_run_has_the_bits_of_one_that_is_not(
    precision: str, threads: int, tiny_path: Path
) -> None:
    ner = minner.load(tiny_path, precision=precision, threads=threads)
    ids = np.arange(5, 30, dtype=np.int32)
    before = ner.logits([ids])[0]
    model = reference.nested(ner._checkpoint.tensors)
    traced = run_by_kernels(ner._reader.engine, ids, model)["classifier"]
    assert traced.tobytes() == before.tobytes() == ner.logits([ids])[0].tobytes()


def test_runs_in_a_batch_have_the_logits_of_runs_alone(tiny_path: Path) -> None:
    ner = minner.load(tiny_path)
    ids = [np.arange(3, 3 + n, dtype=np.int32) for n in (7, 25, 13, 30, 1)] * 9
    heads = [frozenset([(n % 2, n % 4)]) if n % 3 else frozenset() for n in range(len(ids))]
    withouts = [Without(heads=found) for found in heads]
    found = logits_by_kernels(ner._reader.engine, ids, withouts)
    model = reference.nested(ner._checkpoint.tensors)
    for one, without, logits in zip(ids[:10], withouts, found, strict=False):
        alone = run_by_kernels(ner._reader.engine, one, model, without)["classifier"]
        assert logits.tobytes() == alone.tobytes()
