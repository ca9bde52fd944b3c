"""Packed weights are kept, mapped again, and never taken for those of another checkpoint."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest

import minner
from checkpoints import write_checkpoint
from minner.kernels.forms import FORMS
from minner.weights import packed
from minner.weights.checkpoint import open_checkpoint, read_checkpoint
from minner.weights.pack import PackedModel, pack
from minner.weights.packed import cache_path, load_packed

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


def assert_same(model: PackedModel, directory: Path, precision: str = "float32") -> None:
    expected = pack(read_checkpoint(directory), precision)
    assert (model.shape, model.activation) == (expected.shape, expected.activation)
    assert model.precision == precision
    np.testing.assert_array_equal(model.words, expected.words)
    np.testing.assert_array_equal(bits(model.memory), bits(expected.memory))


def bits(words: np.ndarray) -> np.ndarray:
    """Words as integers: those of int8 need not be equal to themselves as float32."""
    return words.view(np.uint32)


def forbid_packing(monkeypatch: pytest.MonkeyPatch) -> None:
    def pack_again(*_: object) -> PackedModel:
        raise AssertionError("the cache was not used")

    monkeypatch.setattr(packed, "pack", pack_again)


@pytest.mark.parametrize("precision", FORMS)
def test_the_second_load_maps_what_the_first_has_kept(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    directory = settled(tmp_path / "model", dim=37, n_heads=1)
    assert_same(load_packed(open_checkpoint(directory), precision), directory, precision)
    assert len(list(cache.iterdir())) == 1
    forbid_packing(monkeypatch)
    model = load_packed(open_checkpoint(directory), precision)
    assert_same(model, directory, precision)
    assert model.memory.ctypes.data % 64 == 0
    with pytest.raises(ValueError, match="read-only"):
        model.memory[0] = 1


def test_each_precision_has_a_file_of_its_own(cache: Path, tmp_path: Path) -> None:
    checkpoint = open_checkpoint(settled(tmp_path / "model"))
    for precision in [*FORMS, *FORMS]:
        assert_same(load_packed(checkpoint, precision), checkpoint.directory, precision)
    assert len(list(cache.iterdir())) == len(FORMS)
    sizes = [cache_path(checkpoint, precision).stat().st_size for precision in FORMS]
    assert sizes == sorted(sizes, reverse=True)


def test_a_fresh_file_is_not_kept_because_its_next_change_might_not_show(
    cache: Path, tmp_path: Path
) -> None:
    directory = settled(tmp_path / "model", seconds=int(time.time()))
    assert_same(load_packed(open_checkpoint(directory)), directory)
    assert not cache.exists()


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
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("damage", [b"", b"{}", None])
def test_a_damaged_file_is_replaced(cache: Path, tmp_path: Path, damage: bytes | None) -> None:
    checkpoint = open_checkpoint(settled(tmp_path / "model"))
    load_packed(checkpoint)
    file = cache_path(checkpoint, "float32")
    whole = file.read_bytes()
    file.write_bytes(whole[:-4] if damage is None else damage)
    assert_same(load_packed(checkpoint), checkpoint.directory)
    assert file.read_bytes() == whole


def test_without_a_writable_directory_it_works_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINNER_CACHE_DIR", str(tmp_path / "file" / "cache"))
    directory = settled(tmp_path / "model")
    assert_same(load_packed(open_checkpoint(directory)), directory)
    assert "packed weights could not be kept" in capsys.readouterr().err


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
    assert not cache.exists()


def _load(directory: Path) -> float:
    return float(load_packed(open_checkpoint(directory)).memory.sum())


def test_eight_processes_fill_the_cache_at_once(cache: Path, tmp_path: Path) -> None:
    directory = settled(tmp_path / "model")
    with multiprocessing.get_context("spawn").Pool(8) as pool:
        sums = pool.map(_load, [directory] * 8, chunksize=1)
    assert len(set(sums)) == 1
    assert len(list(cache.iterdir())) == 1, "no temporary file stays"
