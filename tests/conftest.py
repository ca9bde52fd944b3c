"""Models that many tests share: a tiny random one, and the embedded one; and a cache of their own.

Compiled kernels and packed weights of a test run go to a temporary directory. Where the environment
variable MINNER_CACHE_DIR is set they go there instead, so that several runs can share them.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

if not os.environ.get("MINNER_CACHE_DIR"):  # before minner is imported: it asks about the processor
    os.environ["MINNER_CACHE_DIR"] = tempfile.mkdtemp(prefix="minner-tests-")
    atexit.register(shutil.rmtree, os.environ["MINNER_CACHE_DIR"], ignore_errors=True)

import kernel_images  # noqa: F401  (before any test imports Numba, which it may stand in for)
import minner
from browsing import chromium
from checkpoints import write_checkpoint
from minner.kernels.codegen import prebuild
from minner.kernels.codegen.processor import this_processor
from minner.kernels.codegen.targets import target_named
from minner.tagger import Tagger

EMBEDDED = Path(__file__).parents[1] / "weights" / "default" / "model.safetensors"
SHARED = Path(__file__).parents[2] / "shared" / "data"

# The first example of a run pays for caches; a deadline would make that a failure.
settings.register_profile("minner", deadline=None)
settings.load_profile("minner")


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random checkpoint of 32 positions, so that 31 wordpieces already need windows."""
    return write_checkpoint(tmp_path_factory.mktemp("models") / "tiny", max_positions=32)


@pytest.fixture(scope="session")
def tiny(tiny_path: Path) -> Tagger:
    return minner.load(tiny_path)


@pytest.fixture(scope="session")
def embedded() -> Tagger:
    if not EMBEDDED.is_file():
        pytest.skip("the embedded model is not there: weights/default/model.safetensors")
    return minner.load()


@pytest.fixture(scope="session")
def avx2_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images, with one: of int8 for AVX2, which the command makes."""
    if not set(target_named("avx2").needs.values()) <= this_processor().features:
        pytest.skip("the image that is built here needs a processor with AVX2")
    out = tmp_path_factory.mktemp("images")
    names = ["--targets", "avx2", "--activations", "gelu", "--precisions", "int8"]
    assert prebuild.main([str(out), *names]) == 0
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the project's data folder is not there: ../shared/data")
    return SHARED


@pytest.fixture
def gold(tmp_path: Path, tiny: Tagger) -> Path:
    """A CoNLL file whose gold is what the tiny model says, so that every phrase is right."""
    sentences = [["My", "name", "is", "John", "Smith"], ["\u00ad", "Acme", "Corp."], ["London"]]
    lines = []
    for words, tags in zip(sentences, tiny.tag(sentences), strict=True):
        lines += [f"{word} x {tag}\n" for word, tag in zip(words, tags, strict=True)] + ["\n"]
    path = tmp_path / "gold.conll"
    path.write_text("-DOCSTART- x O\n\n" + "".join(lines), encoding="utf-8")
    return path
