"""Packed weights are kept, mapped again, and never taken for those of another checkpoint."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import minner
from checkpoints import VOCABULARY, write_checkpoint
from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS
from minner.weights import packed
from minner.weights.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from minner.weights.convert import convert
from minner.weights.pack import pack
from minner.weights.packed import cache_path, load_packed, word_embeddings_path
from minner.weights.packed_model import PackedModel

LONG_AGO = 1_000_000_000


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "cache"
    monkeypatch.setenv("MINNER_CACHE_DIR", str(directory))
    return directory


def settled(directory: Path, seconds: int = LONG_AGO, **shape: int) -> Path:
    """A checkpoint whose files were written long ago."""
    write_checkpoint(directory, **shape)
    for file in directory.iterdir():
        os.utime(file, (seconds, seconds))
    return directory


def kept(cache: Path) -> set[Path]:
    """The files of weights in a cache, which may hold digests and the processor's name as well."""
    return {path for path in cache.iterdir() if not path.name.startswith(("digest-", "processor-"))}


def assert_same(model: PackedModel, directory: Path, precision: str = "float32") -> None:
    expected = pack(read_checkpoint(directory), precision)
    assert (model.shape, model.activation) == (expected.shape, expected.activation)
    np.testing.assert_array_equal(model.word_embeddings, expected.word_embeddings)
    np.testing.assert_array_equal(model.memory.view(np.uint32), expected.memory.view(np.uint32))


def forbid_packing(monkeypatch: pytest.MonkeyPatch) -> None:
    def pack_again(*_: object) -> PackedModel:
        raise AssertionError("the cache was not used")

    monkeypatch.setattr(packed, "_packer", pack_again)


def test_the_second_load_maps_what_the_first_has_kept(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = settled(tmp_path / "model", dim=37, n_heads=1)
    assert_same(load_packed(open_checkpoint(directory)), directory)
    assert len(kept(cache)) == 2, "the word embeddings, and all else"
    forbid_packing(monkeypatch)
    model = load_packed(open_checkpoint(directory))
    assert_same(model, directory)
    assert model.memory.ctypes.data % 64 == 0
    with pytest.raises(ValueError, match="read-only"):
        model.memory[0] = 1


def test_precisions_share_the_word_embeddings(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = open_checkpoint(settled(tmp_path / "model"))
    for precision in OPERAND_LAYOUTS:
        assert_same(load_packed(checkpoint, precision), checkpoint.directory, precision)
    names = {
        word_embeddings_path(checkpoint),
        *(cache_path(checkpoint, name) for name in OPERAND_LAYOUTS),
    }
    assert names == kept(cache)
    forbid_packing(monkeypatch)
    for precision in OPERAND_LAYOUTS:
        assert_same(load_packed(checkpoint, precision), checkpoint.directory, precision)


def test_a_fresh_file_is_not_kept_because_its_next_change_might_not_show(
    cache: Path, tmp_path: Path
) -> None:
    directory = settled(tmp_path / "model", seconds=int(time.time()))
    assert_same(load_packed(open_checkpoint(directory)), directory)
    assert not cache.exists() or not kept(cache)


@pytest.mark.parametrize("change", ["time", "weights", "labels", "shape", "activation"])
def test_a_changed_checkpoint_is_packed_anew_in_the_old_place(
    cache: Path, tmp_path: Path, change: str
) -> None:
    directory = settled(tmp_path / "model")
    load_packed(open_checkpoint(directory))
    if change == "time":
        os.utime(directory / "model.safetensors", (LONG_AGO + 1, LONG_AGO + 1))
    elif change == "activation":
        config = directory / "config.json"
        config.write_text(config.read_text().replace('"gelu"', '"relu"'))
    else:
        seed, labels, layers = (
            change == "weights",
            9 - (change == "labels"),
            2 + (change == "shape"),
        )
        write_checkpoint(directory, seed=int(seed), n_labels=labels, n_layers=layers)
        for file in directory.iterdir():
            os.utime(file, (LONG_AGO, LONG_AGO))
    assert_same(load_packed(open_checkpoint(directory)), directory)
    assert len(kept(cache)) == 2


def test_other_scales_of_the_same_integers_are_noticed(cache: Path, tmp_path: Path) -> None:
    convert(settled(tmp_path / "model"), tmp_path / "int8", "int8")
    file = tmp_path / "int8" / "model.safetensors"
    os.utime(file, (LONG_AGO, LONG_AGO))
    load_packed(open_checkpoint(tmp_path / "int8"), "int8")
    content = bytearray(file.read_bytes())
    checkpoint = open_checkpoint(tmp_path / "int8")
    scale = checkpoint.stored["transformer.layer.1.ffn.lin2.weight"].scale
    assert scale is not None
    at = content.index(bytes(scale.data))
    content[at : at + 4] = np.float32(3).tobytes()
    file.write_bytes(content)
    os.utime(file, (LONG_AGO, LONG_AGO))
    changed = load_packed(open_checkpoint(tmp_path / "int8"), "int8")
    assert_same(changed, tmp_path / "int8", "int8")


@pytest.mark.parametrize("path", [word_embeddings_path, partial(cache_path, precision="float32")])
@pytest.mark.parametrize("damage", [b"", b"{}", None])
def test_a_damaged_file_is_replaced(
    cache: Path, tmp_path: Path, damage: bytes | None, path: Callable[[Checkpoint], Path]
) -> None:
    checkpoint = open_checkpoint(settled(tmp_path / "model"))
    load_packed(checkpoint)
    file = path(checkpoint)
    whole = file.read_bytes()
    file.write_bytes(whole[:-4] if damage is None else damage)
    assert_same(load_packed(checkpoint), checkpoint.directory)
    assert file.read_bytes() == whole


def test_without_a_writable_directory_it_works_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINNER_CACHE_DIR", str(tmp_path / "file" / "cache"))
    directory = settled(tmp_path / "model")
    with pytest.warns(minner.MinnerWarning, match="packed weights could not be kept") as warnings:
        assert_same(load_packed(open_checkpoint(directory)), directory)
    assert len(warnings) == 1


def test_values_that_are_not_finite_are_refused_before_anything_is_kept(
    cache: Path, tmp_path: Path
) -> None:
    directory = settled(tmp_path / "model")
    file = directory / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-4:] = np.float32(np.nan).tobytes()
    file.write_bytes(content)
    os.utime(file, (LONG_AGO, LONG_AGO))
    with pytest.raises(minner.MinnerError, match="not finite"):
        load_packed(open_checkpoint(directory))
    assert not cache.exists() or not kept(cache)


def _load(directory: Path) -> float:
    return float(load_packed(open_checkpoint(directory)).memory.sum())


def test_eight_processes_fill_the_cache_at_once(cache: Path, tmp_path: Path) -> None:
    directory = settled(tmp_path / "model")
    with multiprocessing.get_context("spawn").Pool(8) as pool:
        sums = pool.map(_load, [directory] * 8, chunksize=1)
    assert len(set(sums)) == 1
    assert len(kept(cache)) == 2, "no temporary file stays"


PEAK = """
import resource, sys
import numpy as np
from minner.weights.checkpoint import open_checkpoint
from minner.weights.packed import load_packed

def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

checkpoint = open_checkpoint(sys.argv[1])
np.ones(1 << 18) @ np.ones(1 << 18)
before = peak()
load_packed(checkpoint, sys.argv[2])
print(peak() - before)
"""


@pytest.mark.parametrize(("dtype", "precision"), [("F32", "float32"), ("F16", "int8")])
def test_a_checkpoint_is_not_held_in_memory_while_it_is_packed(
    cache: Path, tmp_path: Path, dtype: str, precision: str
) -> None:
    """Memory grows by the packed layers; the word embeddings take 103 MB in float32."""
    words = [*VOCABULARY, *(f"word{number}" for number in range(100_000))]
    sizes = {"dim": 256, "hidden_dim": 2048, "n_layers": 6, "n_heads": 4}
    write_checkpoint(tmp_path / "model", vocab=words, dtype=dtype, **sizes)
    for file in (tmp_path / "model").iterdir():
        os.utime(file, (LONG_AGO, LONG_AGO))
    grown = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path / "model"), precision],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    layers = 6 * (4 * 256**2 + 2 * 256 * 2048) * (4 if precision == "float32" else 1)
    assert int(grown) < layers + 24e6
