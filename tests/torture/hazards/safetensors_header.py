"""safetensors files with a changed header or changed data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

from mutations import mutate_bytes, mutate_json

from checkpoints import encode, safetensors_bytes, with_header
from minner.weights.tensors import read_safetensors

PROVOKED = "bytes, lengths, offsets, dtypes, shapes and names changed; tensors read as float32"
QUICK, LONG = 3000, 400_000


def seeds(_: Path) -> Sequence[bytes]:
    """Small files of several dtypes, and an empty one."""
    import numpy as np

    values = np.arange(6.0)
    of_each = {name: (name, (2, 3), encode(values, name)) for name in ("F32", "F16", "BF16", "F64")}
    return (
        safetensors_bytes(of_each),
        safetensors_bytes({"I8": ("I8", (6,), b"123456"), "F8": ("F8_E4M3", (2, 3), b"123456")}),
        safetensors_bytes({"none": ("F32", (0, 3), b""), "one": ("F32", (), b"1234")}),
        with_header({}, b""),
    )


def mutate(random: Random, data: bytes) -> bytes:
    """Change any byte, or the header and with it its length."""
    length = int.from_bytes(data[:8], "little")
    if random.random() < 0.3 or length > len(data):
        return mutate_bytes(random, data)
    return with_header(mutate_json(random, data[8 : 8 + length]), data[8 + length :])


def check(workshop: Path, data: bytes) -> None:
    """What is read is finite, and has the shapes that the header tells."""
    path = workshop / "model.safetensors"
    path.write_bytes(data)
    tensors = read_safetensors(path)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    for name, tensor in tensors.items():
        assert list(tensor.shape) == header[name]["shape"]
        tensor.to_float32()
