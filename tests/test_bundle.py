"""`minner bundle`: what is in it, that it says so, and that it is whole or not there."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

import minner
from checkpoints import write_checkpoint
from command_line import Capture, assert_fails, run
from minner.bundle import make
from minner.kernels.codegen.shipped import digest_of_sources


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that say what they are, as if they had been compiled."""
    monkeypatch.setattr(make, "shipped_image", lambda *what: " ".join(what).encode())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "model")


def test_what_is_in_it(capsys: Capture, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--model", model, "--precision", "int8", "--targets", "zen4,avx2"]
    status, written, said = run(capsys, "bundle", out, *options)
    assert (status, written) == (0, "")
    assert "zen4, avx2" in said
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["targets"] == ["zen4", "avx2"]
    assert (manifest["minner"], manifest["precision"]) == (minner.__version__, "int8")
    found = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert {name: one["sha256"] for name, one in manifest["files"].items()} == {
        name: hashlib.sha256(content).hexdigest() for name, content in found.items()
    }
    assert manifest["bytes"] == sum(map(len, found.values()))
    assert found["minner/kernels/images/zen4.gelu.int8.bin"] == b"zen4 gelu int8"
    table = json.loads(found["minner/kernels/images/table.json"])
    assert table["sources"] == digest_of_sources()
    assert set(table["images"]) == {"zen4.gelu.int8", "avx2.gelu.int8"}
    assert {"__main__.py", "LICENSE", "NOTICE", "minner/weights/default/config.json"} <= set(found)
    assert not [name for name in found if "__pycache__" in name]


def test_the_model_of_a_bundle_is_the_model(model: Path, tmp_path: Path) -> None:
    make.make_bundle(tmp_path / "float32", model, "float32", [])
    copy = tmp_path / "float32" / "minner" / "weights" / "default"
    for file in model.iterdir():
        assert (copy / file.name).read_bytes() == file.read_bytes()


def test_a_zip_holds_the_same_and_has_the_same_bytes_again(model: Path, tmp_path: Path) -> None:
    manifest = make.make_bundle(tmp_path / "one.zip", model, "bfloat16", [])
    make.make_bundle(tmp_path / "two.zip", model, "bfloat16", [])
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert set(archive.namelist()) == {*manifest["files"], "manifest.json"}


def test_nothing_is_left_of_what_cannot_be_made(
    capsys: Capture, model: Path, tmp_path: Path
) -> None:
    before = set(tmp_path.iterdir())
    for options, parts in [
        ((tmp_path / "model",), ["exists"]),
        ((tmp_path / "no" / "where",), ["there is no directory"]),
        ((tmp_path / "out", "--targets", "zen9"), ["zen9", "avx2"]),
        ((tmp_path / "out", "--model", tmp_path), ["config.json"]),
    ]:
        assert_fails(run(capsys, "bundle", *options), *parts)
    assert set(tmp_path.iterdir()) == before
