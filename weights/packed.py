"""Packed weights in the cache: made by one process, mapped and shared by all later ones.

A model takes two files: the word embeddings, which all precisions share, and all other weights in
one precision. Each holds one line of JSON that says what it was made from, filled up with spaces to
HEADER bytes, then the word embeddings or the memory of a PackedModel, then a digest of all that.
Nothing is parsed but that line.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import mmap
import os
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from minner.cache import DIGEST, cache_directory, digest_for_name, keep, open_kept
from minner.kernels import model
from minner.kernels.runtime import layout, operand_layout
from minner.kernels.runtime.layout import padded, weight_count
from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS
from minner.kernels.vector import target
from minner.kernels.vector.target import LANES
from minner.weights.checkpoint import Checkpoint
from minner.weights.digests import SETTLING, Digest, digest_of
from minner.weights.packed_model import Floats, PackedModel
from minner.weights.tensors import StoredTensor

_CODE = (
    *(Path(__file__).with_name(f"{name}.py") for name in ("checkpoint", "numbers", "pack")),
    *(Path(str(module.__file__)) for module in (layout, model, operand_layout, target)),
)
"""The code that decides what is packed, and how."""

HEADER = 4096
"""Bytes before the weights: a page, so that they are aligned."""

WRITE_SIZE = 1 << 14
"""Elements of the word embeddings that are written at once: some rows. A text needs only a few
rows, but Linux (6.18) maps as much of a file at the first touch as was written at once."""


def load_packed(checkpoint: Checkpoint, precision: str = "float32") -> PackedModel:
    """A checkpoint laid out for the kernels: from the cache, else packed and kept there.

    Raises:
        MinnerError: a tensor cannot be read, or holds values that are not finite; or a layer is too
            wide for int8.
    """
    shape, operands = checkpoint.config.shape, OPERAND_LAYOUTS[precision]
    origin, keeping = _origin(checkpoint), _is_settled(checkpoint)

    def kept(path: Path, count: int, parts: Iterable[Floats]) -> Floats | None:
        """Keep parts, and map the file: their memory is free for others then."""
        nonlocal keeping
        # If one file cannot be written, the other cannot either: one warning is enough.
        keeping = keeping and keep(path, _with_digest(chain([origin], parts)), "packed weights")
        return _map(path, origin, count) if keeping else None

    words, table = word_embeddings_path(checkpoint), (shape.vocabulary, padded(shape.dim))
    weights, count = cache_path(checkpoint, precision), weight_count(shape, operands)
    embeddings, memory = _map(words, origin, math.prod(table)), _map(weights, origin, count)
    # A fault in any tensor shows before anything is kept, or while the first file is written.
    packed = _packer().pack_memory(checkpoint, operands) if memory is None else memory
    if embeddings is None:
        embeddings = kept(
            words, math.prod(table), _pieces(_packer().pack_word_embeddings(checkpoint))
        )
    if embeddings is None:
        embeddings = _packer().word_embeddings(checkpoint)
    if memory is None:
        memory = kept(weights, count, [packed])
    activation = checkpoint.config.activation
    return PackedModel(
        shape,
        activation,
        precision,
        embeddings.reshape(table),
        packed if memory is None else memory,
    )


def _packer() -> Any:
    """The code that packs, which a start that finds everything kept does not import."""
    from minner.weights import pack

    return pack


def _pieces(blocks: Iterable[Floats]) -> Iterator[Floats]:
    """The same values in pieces of WRITE_SIZE."""
    for block in blocks:
        flat = block.reshape(-1)
        yield from (flat[at : at + WRITE_SIZE] for at in range(0, flat.size, WRITE_SIZE))


def word_embeddings_path(checkpoint: Checkpoint) -> Path:
    """The file for the word embeddings of a checkpoint directory."""
    return _path(checkpoint, "words", "")


def cache_path(checkpoint: Checkpoint, precision: str) -> Path:
    """The file for the other weights of a checkpoint directory, laid out for this host."""
    return _path(checkpoint, f"weights-{precision}", f"{LANES}\0{OPERAND_LAYOUTS[precision]}")


def _path(checkpoint: Checkpoint, kind: str, layout: str) -> Path:
    """A changed checkpoint takes the place of the old one."""
    place = f"{checkpoint.directory.resolve()}\0{layout}"
    return cache_directory() / f"{kind}-{digest_for_name(os.fsencode(place))}.bin"


def _origin(checkpoint: Checkpoint) -> bytes:
    """The line that tells what weights were packed, and by what code.

    Files are told apart by their digests, which are taken once (see digests.py).
    """
    digest = hashlib.sha256(repr(checkpoint.config).encode())
    for path in _CODE:
        digest.update(path.read_bytes())
    for file in _files(checkpoint):
        with file.open("rb", buffering=0) as content:
            size = os.fstat(content.fileno()).st_size
            digest.update(os.fsencode(f"\0{file.name}\0{size}\0"))
            digest.update(digest_of(file.resolve(), content, size))
    origin = {
        "minner": "packed weights",
        "checkpoint": _place(checkpoint),
        "origin": digest.hexdigest(),
    }
    return json.dumps(origin).encode().ljust(HEADER - 1) + b"\n"


def _place(checkpoint: Checkpoint) -> str:
    """The checkpoint's directory, or nothing if it is too long for the header."""
    place = str(checkpoint.directory.resolve())
    return place if len(json.dumps(place)) < HEADER // 2 else ""


def packed_from(path: Path) -> Path | None:
    """The checkpoint directory that a file of packed weights names as its origin."""
    file = open_kept(path)
    if file is None:
        return None
    with file:
        try:
            place = json.loads(file.read(HEADER))["checkpoint"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
    return Path(place) if place else None


def is_needed(path: Path, checkpoint: Checkpoint) -> bool:
    """Whether this version, on this machine, would load a checkpoint from a file of the cache."""
    ours = {cache_path(checkpoint, precision) for precision in OPERAND_LAYOUTS}
    if path not in {word_embeddings_path(checkpoint), *ours}:
        return False
    file = open_kept(path)
    if file is None:
        return False
    with file:
        return file.read(HEADER) == _origin(checkpoint)


def _tensors(checkpoint: Checkpoint) -> Iterator[StoredTensor]:
    for tensor in checkpoint.stored.values():
        yield from tensor.parts


def _files(checkpoint: Checkpoint) -> list[Path]:
    return sorted({tensor.path for tensor in _tensors(checkpoint)})


def _is_settled(checkpoint: Checkpoint) -> bool:
    """Whether the files are old enough that a later change will show in their times."""
    return time.time() - max(file.stat().st_mtime for file in _files(checkpoint)) > SETTLING


def _with_digest(parts: Iterable[Any]) -> Iterator[Any]:
    """The parts of a file, and after them the digest of them all."""
    digest = Digest()
    for part in parts:
        digest.update(part)
        yield part
    yield digest.digest()


def _map(path: Path, origin: bytes, count: int) -> Floats | None:
    """The `count` dwords in a file; None if it is missing, damaged, or of something else."""
    size = HEADER + 4 * count
    file = open_kept(path)
    if file is None:
        return None
    with file:
        if os.fstat(file.fileno()).st_size != size + DIGEST or file.read(HEADER) != origin:
            return None
        if digest_of(path, file, size) != os.pread(file.fileno(), DIGEST, size):
            return None
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            if error.errno == errno.ENOMEM:
                raise MemoryError(f"{path} cannot be mapped") from error
            return None
    return np.frombuffer(content, np.float32, offset=HEADER, count=count)
