"""`minner bundle`: what is in it, that it says so, and that it is whole or not there."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import minner
from checkpoints import write_checkpoint
from command_line import Capture, assert_fails, run
from minner.bundle import make
from minner.kernels.codegen import shipped as images
from minner.kernels.codegen.shipped import digest_of_sources, why_not_shipped
from minner.kernels.codegen.targets import target_named


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that say what they are, as if they had been compiled."""
    monkeypatch.setattr(make, "shipped_image", lambda *what: " ".join(what).encode())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "model")


def test_what_is_in_it(capsys: Capture, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--model", model, "--precision", "int8", "--targets", "zen4, avx2"]
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
        ((tmp_path / "out", "--targets", ""), ["no target ''", "avx2"]),
        ((tmp_path / "out", "--targets", "avx2,"), ["no target ''", "avx2"]),
        ((tmp_path / "out", "--model", tmp_path), ["config.json"]),
    ]:
        assert_fails(run(capsys, "bundle", *options), *parts)
    assert set(tmp_path.iterdir()) == before


# ---- what it does -------------------------------------------------------------------------------

PAGE = Path(__file__).parents[1] / "docs" / "bundle.md"
TEXT = "My name is John Smith and I work at Acme in Berlin."

ALONE = """
import runpy, sys
sys.modules.update(dict.fromkeys(["numba", "llvmlite", "safetensors", "huggingface_hub"]))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a program where only what a bundle needs is installed."""


@pytest.fixture
def bundle(model: Path, avx2_image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle that runs, for int8 and AVX2: the folder `ner` of docs/bundle.md."""
    image = (avx2_image / "avx2.gelu.int8.bin").read_bytes()
    monkeypatch.setattr(make, "shipped_image", lambda *_: image)
    make.make_bundle(tmp_path / "ner", model, "int8", [target_named("avx2")])
    return tmp_path / "ner"


def alone(folder: Path, *arguments: object) -> Any:
    """Run a program in a folder that holds a bundle."""
    (folder / "alone.py").write_text(ALONE)
    return subprocess.run(
        [sys.executable, "alone.py", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": "", "MINNER_CACHE_DIR": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_it_does_what_its_page_says(bundle: Path) -> None:
    """The programs of the page run as they stand there, and give what the folder itself gives."""
    programs = re.findall("```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    calls = [
        f"print([e.text for e in tagger({TEXT!r})])",
        f"print([e['text'] for e in handler({{'text': {TEXT!r}}}, None)])",
    ]
    for program, call in zip(programs, calls, strict=True):
        (bundle.parent / "program.py").write_text(program + call, encoding="utf-8")
        done = alone(bundle.parent, "program.py")
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        direct = alone(bundle.parent, "ner", "--format", "jsonl", TEXT)
        assert (direct.returncode, direct.stderr) == (0, ""), direct.stderr
        found = [entity["text"] for entity in json.loads(direct.stdout)["entities"]]
        assert found and done.stdout == f"{found}\n"


def test_its_help_says_what_holds_in_it(bundle: Path) -> None:
    done = alone(bundle.parent, "ner", "--help")
    said = " ".join(done.stdout.split())
    assert said.startswith("usage: python ner [-h]")
    assert "default: int8" in said and "default: float32" not in said


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        ("load(precision='float32')", ["kernels for int8 only", "precision='int8'"]),
        ("load('me/ner', precision='int8')", ["me/ner", "minner.load()"]),
        ("load(precision='int8').explain('Ann')", ["a bundle tags only"]),
        ("load(precision='int8').trace('Ann')", ["a bundle tags only"]),
    ],
)
def test_what_it_lacks_it_says_in_a_sentence(bundle: Path, call: str, parts: list[str]) -> None:
    program = f"import sys; sys.path.insert(0, 'ner'); import minner; minner.{call}"
    (bundle.parent / "program.py").write_text(program)
    *_, last = alone(bundle.parent, "program.py").stderr.splitlines()
    assert last.startswith("minner.errors.MinnerError: ")
    for part in parts:
        assert part in last


def test_kernels_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    there = dict.fromkeys(["zen4.gelu.int8", "zen4.gelu.bfloat16", "avx2.gelu.int8"], "")
    monkeypatch.setattr(images, "shipped_images", lambda: there)
    for asked, part in [
        (("avx2", "gelu", "float32"), "kernels for int8 only, not for float32"),
        (("zen4", "gelu", "float32"), "kernels for int8, bfloat16 only, not for float32"),
        (("avx2", "relu", "int8"), "models with gelu only, and this one has relu"),
        (("neon", "gelu", "int8"), "kernels for zen4, avx2 only, and this machine needs those for"),
        (("", "gelu", "int8"), "needs those for another processor"),
        (("avx2", "gelu", "int8"), "avx2.gelu.int8.bin is missing or damaged"),
    ]:
        assert part in (why_not_shipped(*asked) or "")
    monkeypatch.setattr(images, "shipped_images", dict)
    assert why_not_shipped("avx2", "gelu", "int8") is None


# ---- what it leaves out -------------------------------------------------------------------------


def test_all_that_is_left_out_is_there_to_be_left_out() -> None:
    assert [name for name in make.LEFT_OUT if not (make._PACKAGE / name).exists()] == [
        *(["kernels/images"] if not images.IMAGES.exists() else [])
    ]


def test_nothing_in_it_imports_what_is_left_out(model: Path, tmp_path: Path) -> None:
    """But look_inside.py, which says that a bundle tags only."""
    make.make_bundle(tmp_path / "out", model, "int8", [])
    there = tmp_path / "out" / "minner"
    for path in there.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("minner."):
                place = there.joinpath(*str(node.module).split(".")[1:])
                is_there = place.is_dir() or place.with_suffix(".py").is_file()
                assert is_there or path.name == "look_inside.py", f"{path} imports {node.module}"
