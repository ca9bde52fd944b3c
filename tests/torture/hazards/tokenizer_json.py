"""tokenizer.json of a checkpoint, changed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from checkpoint_files import Model, check_file, write_model
from mutations import mutate_json

PROVOKED = "ids, template, normalizer, pre-tokenizer changed; then loaded, and three texts tagged"
QUICK, LONG = 200, 60_000

prepare = write_model


def seeds(model: Model) -> Sequence[bytes]:
    """The file as it was."""
    return [model.files["tokenizer.json"]]


def mutate(random: Random, data: bytes) -> bytes:
    """Change it as JSON."""
    return mutate_json(random, data)


def check(model: Model, data: bytes) -> None:
    """Load and tag."""
    check_file(model, "tokenizer.json", data)
