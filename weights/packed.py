"""Packed weights in the cache: made by one process, mapped and shared by all later ones.

A file holds one line of JSON that says what it was made from, filled up with spaces to HEADER
bytes, then the words and the memory of a PackedModel. Nothing of it is parsed but that line.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import time
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from minner.kernels import forms, layout, target
from minner.kernels.cache import cache_directory, keep
from minner.kernels.forms import FORMS
from minner.kernels.layout import padded, weight_count
from minner.kernels.target import LANES
from minner.weights import numbers
from minner.weights import pack as packer
from minner.weights.checkpoint import Checkpoint
from minner.weights.pack import PackedModel, pack, shape_of

HEADER = 4096
"""Bytes before the weights: a page, so that they are aligned."""

SAMPLE = 1024
"""Bytes of each tensor that are compared, besides the sizes and times of the files."""

SETTLING = 2.0
"""Seconds after which a change of a file is sure to show in its time of modification."""


def load_packed(checkpoint: Checkpoint, precision: str = "float32") -> PackedModel:
    """A checkpoint laid out for the kernels: from the cache, else packed and kept there.

    Raises:
        MinnerError: a tensor cannot be read, or holds values that are not finite.
    """
    path, origin = cache_path(checkpoint, precision), _origin(checkpoint)
    model = _map(path, origin, checkpoint, precision)
    if model is None:
        model = pack(checkpoint, precision)
        if _is_settled(checkpoint) and keep(path, _content(origin, model), "packed weights"):
            model = _map(path, origin, checkpoint, precision) or model
    return model


def cache_path(checkpoint: Checkpoint, precision: str) -> Path:
    """The file for a checkpoint directory: a changed checkpoint takes the place of the old one."""
    place = f"{checkpoint.directory.resolve()}\0{LANES}\0{FORMS[precision]}"
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:32]
    return cache_directory() / f"weights-{precision}-{digest}.bin"


def _origin(checkpoint: Checkpoint) -> bytes:
    """The line that tells what weights were packed, and by what code.

    Reading all of a checkpoint would take as long as packing it. Files are told apart by name,
    size, time of modification, and the first bytes of every tensor.
    """
    digest = hashlib.sha256(repr(astuple(checkpoint.config)).encode())
    for module in (packer, numbers, layout, forms, target):
        digest.update(Path(str(module.__file__)).read_bytes())
    for file in _files(checkpoint):
        status = file.stat()
        # Whole seconds: images of containers keep no more of a time.
        digest.update(f"\0{file.name}\0{status.st_size}\0{int(status.st_mtime)}".encode())
    for name, tensor in checkpoint.stored.items():
        digest.update(f"\0{name}\0{tensor.dtype}\0{tensor.shape}".encode())
        digest.update(tensor.data[:SAMPLE])
    line = json.dumps({"minner": "packed weights", "origin": digest.hexdigest()}).encode()
    return line.ljust(HEADER - 1) + b"\n"


def _files(checkpoint: Checkpoint) -> list[Path]:
    return sorted({tensor.path for tensor in checkpoint.stored.values()})


def _is_settled(checkpoint: Checkpoint) -> bool:
    """Whether the files are old enough that a later change will show in their times."""
    newest = max(file.stat().st_mtime for file in _files(checkpoint))
    return time.time() - newest > SETTLING


def _content(origin: bytes, model: PackedModel) -> Iterator[Any]:
    yield origin
    yield model.words.data
    yield model.memory.data


def _map(path: Path, origin: bytes, checkpoint: Checkpoint, precision: str) -> PackedModel | None:
    """The model in a file, or None if it is missing, damaged, or made from something else."""
    shape = shape_of(checkpoint.config)
    columns = padded(shape.dim)
    words, memory = shape.vocabulary * columns, weight_count(shape, FORMS[precision])
    try:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # ValueError: an empty file cannot be mapped
        return None
    if content[:HEADER] != origin or len(content) != HEADER + 4 * (words + memory):
        return None
    content_words = np.frombuffer(content, np.float32, offset=HEADER)
    table, rest = content_words[:words].reshape(-1, columns), content_words[words:]
    return PackedModel(shape, checkpoint.config.activation, precision, table, rest)
