"""A small checkpoint of which one file is exchanged: it is refused, or it tags."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from texts import ODD, PLAIN, assert_sound

import minner
from checkpoints import write_checkpoint

TEXTS = (PLAIN[0], "".join(ODD[:40]), "a" * 500 + " Smith" * 40)


@dataclass(frozen=True)
class Model:
    """A checkpoint in a folder, and its files as they were written."""

    folder: Path
    files: dict[str, bytes]


def write_model(workshop: Path) -> Model:
    """Write a random checkpoint of 32 positions, so that a short text takes several windows.

    It is loaded once, so that no trial pays for compiling the kernels.
    """
    folder = write_checkpoint(workshop / "model", max_positions=32, dim=8, hidden_dim=9, n_layers=1)
    _forbid_keeping(folder / "model.safetensors")
    minner.load(folder, threads=1)
    return Model(folder, {path.name: path.read_bytes() for path in folder.iterdir()})


def check_file(model: Model, name: str, data: bytes) -> None:
    """Load the checkpoint with other bytes in one file, and tag."""
    with exchanged(model, name, data):
        ner = minner.load(model.folder, threads=1)
        for text in TEXTS:
            assert_sound(ner, text)


@contextmanager
def exchanged(model: Model, name: str, data: bytes) -> Iterator[None]:
    """Other bytes in one file, inside a `with`."""
    path = model.folder / name
    path.write_bytes(data)
    if name == "model.safetensors":
        _forbid_keeping(path)
    try:
        yield
    finally:
        if name in model.files:
            path.write_bytes(model.files[name])
            _forbid_keeping(model.folder / "model.safetensors")
        else:
            path.unlink()


def _forbid_keeping(weights: Path) -> None:
    """Weights that will only be written tomorrow are not kept in the cache."""
    tomorrow = time.time() + 86400
    os.utime(weights, (tomorrow, tomorrow))
