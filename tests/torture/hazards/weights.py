"""Checkpoints with changed weights."""

from __future__ import annotations

from collections.abc import Sequence

from checkpoint_files import Model, check_file, write_model

from hazards.safetensors_header import mutate as mutate

PROVOKED = "header and data of model.safetensors changed; then loaded, and three texts tagged"
QUICK, LONG = 150, 30_000

prepare = write_model


def seeds(model: Model) -> Sequence[bytes]:
    """The weights as they were."""
    return [model.files["model.safetensors"]]


def check(model: Model, data: bytes) -> None:
    """Load and tag."""
    check_file(model, "model.safetensors", data)
