"""Files of many megabytes in the place of a checkpoint's small ones."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from checkpoint_files import Model, check_file, write_model

PROVOKED = (
    "4 to 100 MB of brackets, names, digits, spaces or lines in each file, and sparse files of a "
    "terabyte; 600 MB of memory at most"
)
QUICK, LONG = 6, 300

UNITS = (
    b"{},",
    b"[],",
    b'{"":0},',
    b'"a",',
    b"[",
    b'{"a":',
    b" ",
    b"\n",
    b"9",
    b"a\n",
    b"ab\r\n",
    b"\xe4\xb8\xad",
)


def prepare(workshop: Path) -> Model:
    """A checkpoint."""
    return write_model(workshop)


def trial(random: Random, model: Model) -> None:
    """One file, or a header of safetensors, filled with one unit."""
    name = random.choice((*sorted(model.files), "vocab.txt"))
    size = int(10 ** random.uniform(6.6, 8.0))
    if random.random() < 0.2:
        _sparse(model, name)
        return
    unit = random.choice(UNITS)
    data = unit * (size // len(unit))
    if name != "vocab.txt" and random.random() < 0.5:
        data = b'{"model_type": "distilbert", "more": [' + data + b"0]}"
    if name == "model.safetensors":
        data = len(data).to_bytes(8, "little") + data
    check_file(model, name, data)


def _sparse(model: Model, name: str) -> None:
    """A terabyte of zeros that takes no room on the disk."""
    path = model.folder / "sparse"
    path.touch()
    try:
        os.truncate(path, 1 << 40)
        path.replace(model.folder / name)
        check_file(model, "absent.json", b"")
    except OSError:  # a file system without such files
        path.unlink(missing_ok=True)
    finally:
        if name in model.files:
            (model.folder / name).write_bytes(model.files[name])
        else:
            (model.folder / name).unlink(missing_ok=True)
