"""Shipped images: reproducible, used where there is no compiler, the same bits as compiled code."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checkpoints import write_checkpoint
from minner.cache import read_checked
from minner.errors import MinnerError
from minner.kernels.codegen import loader, prebuild, shipped
from minner.kernels.codegen.targets import TARGETS, target_named
from minner.kernels.vector.target import target_of

ROOT = Path(__file__).parents[1]
TARGET = target_named("avx2")

RUN = """
import sys
if sys.argv[2] == "without Numba":
    sys.modules["numba"] = sys.modules["llvmlite"] = None
import warnings
warnings.simplefilter("ignore")
import minner
try:
    ner = minner.load(sys.argv[1], precision="int8", threads=1)
except minner.MinnerError as error:
    sys.exit(str(error))
ids = [range(1, 30), range(3, 9)]
print(*(logits.tobytes().hex() for logits in ner.logits([list(i) for i in ids])))
print([name for name in ("numba", "llvmlite") if sys.modules.get(name)])
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("prebuilt") / "model")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of minner, without images."""
    copy = tmp_path_factory.mktemp("package")
    ignore = shutil.ignore_patterns("__pycache__", "default", "images", "*.bin")
    shutil.copytree(ROOT / "minner", copy / "minner", ignore=ignore)
    return copy


def run(package: Path, model: Path, cache: Path, numba: str, seed: str = "0") -> Any:
    return subprocess.run(
        [sys.executable, "-c", RUN, str(model), numba],
        env=os.environ
        | TARGET.environment
        | {"PYTHONPATH": str(package), "MINNER_CACHE_DIR": str(cache), "PYTHONHASHSEED": seed},
        cwd=package,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_shipped_code_is_compiled_code(
    package: Path, avx2_image: Path, model: Path, tmp_path: Path
) -> None:
    """A second build has the same bytes; what runs without Numba gives the same bits."""
    compiled = run(package, model, tmp_path / "compiled", "with Numba", seed="7")
    assert compiled.returncode == 0, compiled.stderr
    [kept] = (tmp_path / "compiled").glob("forward-gelu-int8-*.bin")
    assert read_checked(kept) == (avx2_image / "avx2.gelu.int8.bin").read_bytes()

    shutil.copytree(avx2_image, package / "minner" / "kernels" / "images")
    for numba in ("without Numba", "with Numba"):
        done = run(package, model, tmp_path / "cache", numba)
        assert done.returncode == 0, done.stderr
        assert done.stdout == compiled.stdout.splitlines()[0] + "\n[]\n"
        assert not list((tmp_path / "cache").glob("forward-*"))
    shutil.rmtree(package / "minner" / "kernels" / "images")


def test_with_neither_image_nor_numba_one_sentence_says_so(
    package: Path, model: Path, tmp_path: Path
) -> None:
    done = run(package, model, tmp_path / "cache", "without Numba")
    assert done.returncode == 1
    assert "install numba" in done.stderr and "minner.reference" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# ---- what is trusted ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of one image that says what it is, instead of the package's."""
    name, content = shipped.image_name("avx2", "gelu", "int8"), b"{image"
    (tmp_path / f"{name}.bin").write_bytes(content)
    images = {name: hashlib.sha256(content).hexdigest()}
    table = {"sources": shipped.digest_of_sources(), "images": images}
    (tmp_path / shipped.TABLE).write_text(json.dumps(table))
    monkeypatch.setattr(shipped, "IMAGES", tmp_path)
    shipped.shipped_images.cache_clear()
    yield tmp_path
    shipped.shipped_images.cache_clear()


def test_an_image_is_found(folder: Path) -> None:
    assert shipped.shipped_image("avx2", "gelu", "int8") == b"{image"
    assert shipped.shipped_image("avx2", "gelu", "float32") is None
    assert shipped.shipped_image("avx512", "gelu", "int8") is None


@pytest.mark.parametrize("content", [b"", b"{imagf", b"{image\0", None])
def test_a_damaged_image_is_not_used(folder: Path, content: bytes | None) -> None:
    file = folder / "avx2.gelu.int8.bin"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert shipped.shipped_image("avx2", "gelu", "int8") is None


@pytest.mark.parametrize("table", ["", "[]", "{}", '{"sources": "other", "images": {}}', "\0"])
def test_a_table_of_something_else_counts_as_none(folder: Path, table: str) -> None:
    (folder / shipped.TABLE).write_text(table)
    assert shipped.shipped_images() == {}


def test_no_image_is_used_whose_tiles_are_not_permitted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    amx = target_named("amx")
    permitted = target_of(amx.cpu, amx.features, lambda: True)
    monkeypatch.setattr(loader, "shipped_image", lambda *what: " ".join(what).encode())
    monkeypatch.setattr(loader, "TARGET", permitted)
    assert loader._shipped("gelu", "int8") == b"amx gelu int8"
    monkeypatch.setattr(loader, "TARGET", permitted._replace(amx=False))
    assert loader._shipped("gelu", "int8") is None


def test_what_cannot_be_compiled_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(MinnerError, match="the kernels of neon could not be compiled"):
        prebuild.prebuild(tmp_path, [one for one in TARGETS if one.name == "neon"])
