"""`minner cache`: what it lists, what it takes for stale, and what it never touches."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from checkpoints import write_checkpoint
from command_line import Capture, assert_fails, run
from minner.kernels.codegen import loader
from minner.weights import digests
from minner.weights.checkpoint import open_checkpoint
from minner.weights.packed import load_packed

STALE_CODE = "forward-gelu-int8-" + "0" * 32 + ".bin"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with one model in two precisions, its kernels, and older kernels."""
    monkeypatch.setenv("MINNER_CACHE_DIR", str(tmp_path / "cache"))
    checkpoint = write_checkpoint(tmp_path / "model")
    for file in checkpoint.iterdir():  # weights of a file that has just changed are not kept
        os.utime(file, (1.6e9, 1.6e9))
    for precision in ("float32", "int8"):
        load_packed(open_checkpoint(checkpoint), precision)
    loader.cache_path("gelu", "float32").write_bytes(b"code")
    (tmp_path / "cache" / STALE_CODE).write_bytes(b"code" * 1000)
    return tmp_path / "cache"


def listed(capsys: Capture) -> dict[str, dict[str, Any]]:
    status, out, err = run(capsys, "cache", "--format", "json")
    assert (status, err) == (0, "")
    return {Path(one["path"]).name: one for one in json.loads(out)["files"]}


def states(capsys: Capture) -> list[tuple[str, str]]:
    return sorted((one["kind"], one["state"]) for one in listed(capsys).values())


STALE = "of another version or processor"
NEEDED = [
    ("embeddings", "needed"),
    ("kernels", "needed"),
    ("weights", "needed"),
    ("weights", "needed"),
]


def without_processor(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [one for one in found if one[0] != "processor"]


def test_what_is_listed(capsys: Capture, directory: Path) -> None:
    assert without_processor(states(capsys)) == sorted([*NEEDED, ("kernels", STALE)])
    of_int8 = next(one for name, one in listed(capsys).items() if name.startswith("weights-int8"))
    assert of_int8["purpose"] == f"{directory.parent / 'model'}, int8"
    assert of_int8["bytes"] == (directory / of_int8["path"]).stat().st_size
    assert abs(of_int8["used"] - time.time()) < 3600
    out = run(capsys, "cache")[1]
    assert out.splitlines()[0].split() == ["KIND", "MB", "LAST", "USED", "STATE", "FOR"]
    assert out.endswith(f"in {directory}; minner cache --clear removes 1 file of 0.0 MB\n")


def test_looking_is_no_use(capsys: Capture, directory: Path) -> None:
    for path in directory.iterdir():
        os.utime(path, (1.6e9, 1.6e9))
    listed(capsys)
    assert {one["used"] for one in listed(capsys).values()} == {1.6e9}


def test_stale_files_are_cleared(capsys: Capture, directory: Path) -> None:
    kept = {path.name for path in directory.iterdir()} - {STALE_CODE}
    status, out, err = run(capsys, "cache", "--clear")
    assert (status, out) == (0, "")
    assert err == f"minner: removed 1 file of 0.0 MB from {directory}\n"
    assert {path.name for path in directory.iterdir()} == kept
    assert "--clear" not in run(capsys, "cache")[1]


@pytest.mark.parametrize("change", ["gone", "changed", "broken"])
def test_weights_of_a_checkpoint_that_changed(
    capsys: Capture, directory: Path, change: str
) -> None:
    model = directory.parent / "model"
    if change == "gone":
        shutil.rmtree(model)
    elif change == "changed":
        content = (model / "model.safetensors").read_bytes()
        (model / "model.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        os.utime(model / "model.safetensors", (1.6e9, 1.6e9))
    else:
        (model / "config.json").write_text("{")
    found = states(capsys)
    assert not [one for one in found if one[0] in ("weights", "embeddings") and one[1] == "needed"]
    assert run(capsys, "cache", "--clear")[0] == 0
    assert without_processor(states(capsys)) == [("kernels", "needed")]


def test_only_files_of_minner_are_removed(capsys: Capture, directory: Path) -> None:
    """A cache directory can be any directory, with anything in it."""
    (directory / "notes.bin").write_text("mine")
    (directory / "forward-gelu-int8-1.bin").write_text("mine")
    (directory / "words").mkdir()
    assert run(capsys, "cache", "--clear", "all")[0] == 0
    left = {path.name for path in directory.iterdir()}
    assert left == {"notes.bin", "forward-gelu-int8-1.bin", "words"}
    assert run(capsys, "cache")[1].splitlines()[-1] == f"0 files of 0.0 MB in {directory}"


def test_unfinished_files(capsys: Capture, directory: Path) -> None:
    """A process that was killed left one; another is writing one now."""
    old, new = directory / f"{STALE_CODE[:-4]}abcd1234", directory / f"{STALE_CODE[:-4]}abcd1235"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (1.6e9, 1.6e9))
    assert {listed(capsys)[path.name]["state"] for path in (old, new)} == {"unfinished", "needed"}
    run(capsys, "cache", "--clear")
    assert (old.exists(), new.exists()) == (False, True)


def test_no_cache(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINNER_CACHE_DIR", str(tmp_path / "none"))
    assert "0 files of 0.0 MB" in run(capsys, "cache")[1]
    assert run(capsys, "cache", "--clear")[0] == 0
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINNER_CACHE_DIR", str(tmp_path / "file"))
    assert_fails(run(capsys, "cache"), "Not a directory")


def test_digests_are_listed_until_their_file_is_gone(
    capsys: Capture, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "SETTLING", -1.0)
    load_packed(open_checkpoint(directory.parent / "model"), "int8")
    (weights,) = directory.glob("weights-int8-*.bin")
    found = [one for one in listed(capsys).values() if one["kind"] == "digests"]
    assert {one["state"] for one in found} == {"needed"}
    assert str(weights) in {one["purpose"] for one in found}
    weights.unlink()
    states = {one["purpose"]: one["state"] for one in listed(capsys).values()}
    assert states[str(weights)] == "the file is gone"
