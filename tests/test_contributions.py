"""The parts of a margin add up to it, for every shape of model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import minner
from checkpoints import write_checkpoint
from minner import reference
from minner.explain.contributions import Contributions, contributions

TEXT = "My name is John Smith and John works for Acme in London"
SHAPES = [
    {"n_layers": 1, "n_heads": 1, "dim": 8},
    {"n_layers": 3, "n_heads": 3, "dim": 33, "hidden_dim": 50},
    {"n_layers": 2, "n_heads": 4, "dim": 32, "activation": "relu"},
]


def split(path: Path, first: int, second: int) -> tuple[Contributions, np.ndarray]:
    ner = minner.load(path)
    trace = ner.trace(TEXT)
    model = reference.nested(ner._checkpoint.tensors)
    head, tokens = model["classifier"], np.arange(len(trace["ids"]))
    count = len(tokens)
    parts = contributions(
        trace,
        model,
        1e-12,
        tokens,
        np.tile(head["weight"][first] - head["weight"][second], (count, 1)),
        np.repeat(head["bias"][first] - head["bias"][second], count),
    )
    return parts, trace["classifier"][:, first] - trace["classifier"][:, second]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_parts_add_up_to_the_margin(shape: dict, tmp_path: Path) -> None:
    parts, margin = split(write_checkpoint(tmp_path, **shape), 1, 0)
    np.testing.assert_allclose(parts.total(), margin, atol=1e-5)
    np.testing.assert_allclose(parts.sources.sum(axis=1), parts.heads.sum(axis=(1, 2)), atol=1e-9)


def test_no_part_is_idle(tmp_path: Path) -> None:
    """In a random model each part writes something: none was forgotten and made up for."""
    parts, _ = split(write_checkpoint(tmp_path), 2, 5)
    for name, values in parts._asdict().items():
        assert (np.abs(values) > 1e-6).mean() > 0.99, name


def test_the_opposite_margin_has_the_opposite_parts(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path)
    there, back = split(path, 1, 0)[0], split(path, 0, 1)[0]
    for ours, theirs in zip(there, back, strict=True):
        np.testing.assert_allclose(ours, -theirs, atol=1e-12)
