"""Pipes, sockets, directories and devices in the place of a checkpoint's files: refused at once."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

import minner
from checkpoints import random_tensors, write_checkpoint, write_safetensors
from minner.errors import MinnerError
from test_weights_checkpoint import SHAPE, shard

FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def plant(path: Path, kind: str) -> None:
    """Put something that is no regular file at `path`."""
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        # By a relative name: the whole one may be too long for a socket.
        before = Path.cwd()
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as planted:
            planted.bind(path.name)
        os.chdir(before)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path.name)
    else:
        path.mkdir()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "directory", "loop"])
def test_what_is_no_file(tmp_path: Path, name: str, kind: str) -> None:
    plant(write_checkpoint(tmp_path / "model") / name, kind)
    if kind == "loop" and name.startswith("tokenizer_"):
        pytest.skip("a link to nothing is a missing file, and this one may be missing")
    with pytest.raises(
        MinnerError, match=r"no regular file|Is a directory|No such|Too many|has no (w|t)"
    ):
        minner.load(tmp_path / "model")


def test_a_pipe_in_place_of_a_shard(tmp_path: Path) -> None:
    shard(tmp_path)
    plant(tmp_path / "model-00002-of-00002.safetensors", "pipe")
    with pytest.raises(MinnerError, match=r"00002\.safetensors: it is no regular file"):
        minner.load(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names in UTF-8")
def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "model").rename(tmp_path / os.fsdecode(b"caf\xe9"))
    (source / "model.safetensors").rename(source / os.fsdecode(b"model.\xff.safetensors"))
    assert minner.load(source).tag(["My"])


def test_sizes_that_no_model_has(tmp_path: Path) -> None:
    """Such a file may be sparse: it takes no room on the disk, and all there is in memory."""
    source = write_checkpoint(tmp_path)
    tensors = random_tensors(0, SHAPE)
    name = "distilbert.embeddings.word_embeddings.weight"
    tensors[name] = np.zeros(((1 << 20) + 1, 1), dtype=np.float32)
    write_safetensors(source / "model.safetensors", tensors)
    with pytest.raises(MinnerError, match="vocab_size must be an integer from 1 to 1048576, not"):
        minner.load(source)
