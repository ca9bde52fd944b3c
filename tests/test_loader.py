"""Compiled code is kept, found again, never trusted when damaged, and never needed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import minner
from checkpoints import write_checkpoint
from minner import MinnerError, MinnerWarning, engine
from minner.cache import read_checked
from minner.kernels.codegen import build, image, loader, make_image, shipped
from minner.kernels.codegen.elf import UnknownObject
from minner.kernels.codegen.host import host_cpu
from minner.kernels.codegen.image import is_image
from minner.tagger import Tagger
from objects import HAS_IMAGES, SAMPLE, SAMPLE_RESULT, call_sample, compile_ir

CODE = b"machine code"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache directory, not made yet."""
    directory = tmp_path / "cache"
    monkeypatch.setenv("MINNER_CACHE_DIR", str(directory))
    return directory


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the compiler; the list tells what it was asked for. Loading gives the code back."""
    asked: list[str] = []

    def compile_forward(activation: str, precision: str) -> bytes:
        asked.append(f"{activation} {precision}")
        return CODE

    monkeypatch.setattr(loader, "_compile", compile_forward)
    monkeypatch.setattr(loader, "_load", lambda code: code)
    monkeypatch.setattr(loader, "_PROTOTYPE", lambda code: code)
    return asked


def load(activation: str = "gelu", precision: str = "float32") -> Any:
    """Load as a new process would: without the memory of this one."""
    return loader.load_forward.__wrapped__(activation, precision)


# ---- where --------------------------------------------------------------------------------------


def test_the_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINNER_CACHE_DIR", str(tmp_path / "ours"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert loader.cache_directory() == tmp_path / "ours"
    monkeypatch.setenv("MINNER_CACHE_DIR", "")
    assert loader.cache_directory() == tmp_path / "xdg" / "minner"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert loader.cache_directory() == tmp_path / "home" / ".cache" / "minner"


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("MINNER_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(OSError, match="Not a directory"):  # to root as well
        loader.cache_directory().mkdir(parents=True)


def test_the_name_depends_on_everything_the_code_depends_on(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "kernels" / "vector" / "target.py"
    source.parent.mkdir(parents=True)
    source.write_text("LANES = 8\n")
    monkeypatch.setattr(shipped, "SOURCES", tmp_path / "kernels")

    seen = [loader.cache_path("gelu", "float32")]
    assert seen[0] == loader.cache_path("gelu", "float32")
    assert seen[0].parent == cache

    seen.append(loader.cache_path("relu", "float32"))
    seen.append(loader.cache_path("gelu", "int8"))
    source.write_text("LANES = 16\n")
    seen.append(loader.cache_path("gelu", "float32"))
    for change in ({"cpu": "another"}, {"features": "+none"}):
        with monkeypatch.context() as patch:
            patch.setattr(loader, "TARGET", loader.TARGET._replace(**change))
            seen.append(loader.cache_path("gelu", "float32"))
    for package in ("numba", "llvmlite"):
        with monkeypatch.context() as patch:
            patch.setattr(loader, "version_of", lambda name, new=package: b"9" * (name == new))
            seen.append(loader.cache_path("gelu", "float32"))
    assert len(set(seen)) == len(seen)


# ---- keeping and finding ------------------------------------------------------------------------


def test_the_second_time_nothing_is_compiled(cache: Path, compiled: list[str]) -> None:
    kinds = [("gelu", "float32"), ("relu", "float32"), ("gelu", "int8")]
    assert [load(*kind) for kind in kinds * 2] == [CODE] * 6
    assert compiled == ["gelu float32", "relu float32", "gelu int8"]
    assert set(cache.iterdir()) == {loader.cache_path(*kind) for kind in kinds}


def test_what_was_compiled_of_other_sources_is_not_kept(
    cache: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade, or an editor, changes them while this process runs."""
    monkeypatch.setattr(loader, "IMPORTED", 0.0)
    for _ in range(2):
        load()
    assert len(compiled) == 2
    assert not [*cache.glob("forward-*")]


def test_other_users_may_read_what_is_kept(cache: Path, compiled: list[str]) -> None:
    load()
    assert loader.cache_path("gelu", "float32").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:10],
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
        lambda content: bytes([content[0] ^ 1]) + content[1:],
        lambda content: b"\0" * len(content),
    ],
    ids=["empty", "no checksum", "cut", "longer", "a bit of code", "a bit of checksum", "zeros"],
)
def test_a_damaged_file_is_replaced(cache: Path, compiled: list[str], damage: Any) -> None:
    load()
    path = loader.cache_path("gelu", "float32")
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert load() == CODE
    assert compiled == ["gelu float32"] * 2
    assert path.read_bytes() == whole


@contextmanager
def one_warning(directory: Path) -> Iterator[None]:
    with pytest.warns(MinnerWarning) as warnings:
        yield
    (message,) = [str(warning.message) for warning in warnings]
    assert message.startswith(f"compiled kernels could not be kept in {directory} (")
    assert "MINNER_CACHE_DIR" in message


def test_a_directory_that_cannot_be_made_costs_one_warning_a_process(
    tmp_path: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MINNER_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with one_warning(tmp_path / "file" / "cache"):
        assert [load(), load(), load("relu")] == [CODE] * 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where it likes")
def test_a_read_only_directory_costs_one_warning(cache: Path, compiled: list[str]) -> None:
    cache.mkdir(mode=0o555)
    with one_warning(cache):
        assert load() == CODE


def test_a_full_disk_leaves_nothing_behind(
    cache: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with one_warning(cache):
        assert load() == CODE
    assert list(cache.iterdir()) == []


EIGHTH = """
import time
from minner.kernels.codegen import loader

def compile_forward(activation, precision):
    time.sleep(0.3)
    return b"machine code" * 100_000

loader._compile = compile_forward
loader._load = loader._PROTOTYPE = lambda code: code
assert loader.load_forward("gelu", "float32") == b"machine code" * 100_000
"""


def test_eight_processes_fill_one_cache(cache: Path) -> None:
    host_cpu()  # what LLVM says of the processor is kept there, too
    command = [sys.executable, "-c", EIGHTH]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(8)]
    messages = [process.communicate(timeout=120)[1] for process in processes]
    assert messages == [b""] * 8
    assert [process.returncode for process in processes] == [0] * 8
    files = [path for path in cache.iterdir() if not path.name.startswith("processor-")]
    assert files == [loader.cache_path("gelu", "float32")]


# ---- without Numba and LLVM ----------------------------------------------------------------------

IMPORTED = """
import sys
import minner
print(*sorted({"numba", "tokenizers", "numpy", "llvmlite"} & set(sys.modules)))
ner = minner.load(sys.argv[1], precision=sys.argv[2])
ner("My name is John Smith.")
print(*sorted({"numba", "torch", "llvmlite"} & set(sys.modules)))
"""


MAY_BE_SLOW = "ignore:this processor lacks the fast instructions"


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_later_process_imports_neither(tiny_path: Path, precision: str) -> None:
    minner.load(tiny_path, precision=precision)  # fills the cache that conftest.py chose
    code = read_checked(loader.cache_path("gelu", precision))
    assert code is not None
    done = subprocess.run(
        [sys.executable, "-W", MAY_BE_SLOW, "-c", IMPORTED, str(tiny_path), precision],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("\n\n" if is_image(code) else "\nllvmlite\n")


STARTED = """
import sys
import numpy, json, hashlib, ctypes, threading, mmap, pathlib, weakref
before = set(sys.modules)
import minner
minner.load(sys.argv[1])("My name is John Smith.")
print(*sorted(set(sys.modules) - before))
"""

MOST_MODULES = 83
"""Of minner: each takes 0.2 to 0.5 ms of a start, which takes 0.1 s in all."""

NOT_FOR_A_START = {
    *("tokenizers", "numba", "llvmlite", "safetensors", "huggingface_hub"),
    *("argparse", "base64", "difflib", "logging", "numpy.ma", "numpy.random", "numpy.testing"),
    *("pkgutil", "shutil", "signal", "subprocess", "tempfile", "traceback", "uuid"),
    *("minner.cli", "minner.document", "minner.overflow", "minner.reference", "minner.stages"),
    *("minner.decoders.viterbi", "minner.weights.pack", "minner.weights.tokenizer"),
}


@pytest.mark.skipif(not HAS_IMAGES, reason="there are images for Linux only")
def test_a_start_imports_only_what_it_needs(tmp_path: Path) -> None:
    """What creeps back makes every start slower."""
    model = write_checkpoint(tmp_path / "model")
    for file in model.iterdir():
        os.utime(file, (1e9, 1e9))  # of files that have just changed, nothing is kept
    minner.load(model)("My name is John Smith.")
    command = [sys.executable, "-c", STARTED, str(model)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    imported = set(done.stdout.split())
    assert imported & NOT_FOR_A_START == set()
    ours = sorted(name for name in imported if name.split(".")[0] == "minner")
    assert len(ours) <= MOST_MODULES, ours


@pytest.mark.skipif(not HAS_IMAGES, reason="there are images for Linux only")
def test_it_is_an_image_where_there_can_be_one(tiny: Tagger) -> None:
    code = read_checked(loader.cache_path("gelu", "float32"))
    assert code is not None and is_image(code)


def test_an_object_is_linked_where_there_is_no_image(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(object_file: bytes, entry: str) -> bytes:
        raise UnknownObject("as on another system")

    monkeypatch.setattr(make_image, "make_image", refuse)
    monkeypatch.setattr(build, "compile_forward", lambda *_: compile_ir(SAMPLE))
    for _ in range(2):
        assert call_sample(load()) == SAMPLE_RESULT
    kept = read_checked(loader.cache_path("gelu", "float32"))
    assert kept is not None and not is_image(kept)


@pytest.mark.skipif(not HAS_IMAGES, reason="there are images for Linux only")
@pytest.mark.parametrize(
    ("step", "number", "advice"),
    [
        ("_seal", errno.EACCES, r"\(Permission denied\): allow it executable memory"),
        ("_seal", errno.EPERM, r"\(Operation not permitted\): allow it executable memory"),
        ("_map", errno.ENOMEM, r"\(Cannot allocate memory\): give this process more memory"),
        ("_map", errno.EAGAIN, r"\(Resource temporarily unavailable\): give this process more"),
    ],
)
def test_where_code_cannot_be_loaded_one_sentence_says_so(
    tiny_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int, advice: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(image, step, refuse)
    monkeypatch.setattr(engine, "load_forward", loader.load_forward.__wrapped__)
    with pytest.raises(MinnerError, match=advice):
        minner.load(tiny_path)
