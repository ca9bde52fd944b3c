"""Pipes, sockets, devices, links and directories in the place of a checkpoint's files."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from random import Random

from checkpoint_files import Model, write_model
from texts import PLAIN, assert_sound

import minner

PROVOKED = "one or two files of a checkpoint replaced; then loaded, and a text tagged"
QUICK, LONG = 60, 3000

KINDS = ("pipe", "socket", "device", "link", "dead link", "directory", "empty", "missing", "secret")

prepare = write_model


def trial(random: Random, model: Model) -> None:
    """Plant, load, tag, and put everything back."""
    try:
        for name in random.sample(sorted(model.files), k=random.randint(1, 2)):
            _plant(random.choice(KINDS), model.folder / name)
        assert_sound(minner.load(model.folder, threads=1), PLAIN[0])
    finally:
        for name, data in model.files.items():
            _remove(model.folder / name)
            (model.folder / name).write_bytes(data)


def _plant(kind: str, path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        before = Path.cwd()
        os.chdir(path.parent)  # a socket's name must be short
        with socket.socket(socket.AF_UNIX) as planted:
            planted.bind(path.name)
        os.chdir(before)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "link":
        path.symlink_to(path.name)
    elif kind == "dead link":
        path.symlink_to("nothing")
    elif kind == "directory":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "secret":
        path.write_bytes(content)
        path.chmod(0)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
