"""What is read from the cache: only what we or root have written, whole, and what it says it is."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checkpoints import write_checkpoint
from minner import MinnerWarning, cache
from minner.cache import cache_directory, keep, keep_checked, open_kept, read_checked
from minner.weights import digests
from minner.weights import pack as packer
from minner.weights.checkpoint import open_checkpoint
from minner.weights.digests import Digest
from minner.weights.packed import cache_path, load_packed, word_embeddings_path

NAME = "forward-gelu-float32-" + "0" * 32
SAYS = "kernels for a test"
LONG_AGO = 1_000_000_000

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINNER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_warned_about", set())
    return tmp_path / "cache"


@pytest.fixture
def kept(directory: Path) -> Path:
    path = directory / f"{NAME}.bin"
    assert keep_checked(path, SAYS, b"code")
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


# ---- whose it is --------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_umask")
def test_a_new_directory_is_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINNER_CACHE_DIR", str(tmp_path / "new" / "cache"))
    assert keep_checked(cache_directory() / f"{NAME}.bin", SAYS, b"code")
    assert [mode(path) for path in (tmp_path / "new", tmp_path / "new" / "cache")] == [0o700] * 2
    assert mode(tmp_path / "new" / "cache" / f"{NAME}.bin") == 0o644


@pytest.mark.parametrize("bits", [0o777, 0o775, 0o1777, 0o722])
def test_a_directory_that_others_may_write_is_neither_read_nor_written(
    kept: Path, bits: int
) -> None:
    kept.parent.chmod(bits)
    assert read_checked(kept, SAYS) is None
    with pytest.warns(MinnerWarning, match=rf"code could not be kept .*mode is {bits:o}"):
        assert not keep_checked(kept, SAYS, b"other", "code")
    kept.parent.chmod(0o755)
    assert read_checked(kept, SAYS) == b"code"


@pytest.mark.parametrize("bits", [0o646, 0o664, 0o666])
def test_a_file_that_others_may_write_is_made_anew(kept: Path, bits: int) -> None:
    kept.chmod(bits)
    with pytest.warns(MinnerWarning, match=rf"is not used \(other users may.* {bits:o}\)"):
        assert read_checked(kept, SAYS) is None
    assert keep_checked(kept, SAYS, b"new")
    assert read_checked(kept, SAYS) == b"new"
    assert mode(kept) == 0o644


@needs_root
@pytest.mark.parametrize("whose", ["directory", "file", "link"])
def test_what_belongs_to_another_user_is_not_used(
    kept: Path, whose: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if whose == "link":
        (tmp_path / "link").symlink_to(kept.parent)
        os.lchown(tmp_path / "link", 1234, 1234)
        kept = tmp_path / "link" / kept.name
    else:
        os.chown(kept.parent if whose == "directory" else kept, 1234, 1234)
    if whose == "file":
        with pytest.warns(MinnerWarning, match="belongs to another user, number 1234"):
            assert read_checked(kept, SAYS) is None
        return
    assert read_checked(kept, SAYS) is None
    with pytest.warns(MinnerWarning, match="belongs to another user, number 1234"):
        assert not keep_checked(kept, SAYS, b"other", "code")


def test_what_root_has_made_is_used(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        monkeypatch.setattr(os, "geteuid", lambda: 1234)
        assert read_checked(kept, SAYS) == b"code"


def test_no_link_is_followed(kept: Path, tmp_path: Path) -> None:
    target = kept.rename(tmp_path / "target")
    target.chmod(0o600)
    kept.symlink_to(target)
    assert read_checked(kept, SAYS) is None
    assert keep_checked(kept, SAYS, b"new")
    assert not kept.is_symlink()
    assert mode(target) == 0o600


@pytest.mark.parametrize("kind", ["pipe", "directory", "loop"])
def test_what_is_no_file_is_not_waited_for(kept: Path, kind: str) -> None:
    kept.unlink()
    if kind == "pipe":
        os.mkfifo(kept)
    elif kind == "directory":
        kept.mkdir()
    else:
        kept.symlink_to(kept.name)
    assert open_kept(kept) is None
    assert keep(kept, [b"new"]) == (kind != "directory")


# ---- where it is --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"MINNER_CACHE_DIR": "~/mine"}, "/home/me/mine"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/me/.cache/minner"),
        ({"HOME": "relative"}, "/dev/null/no-home"),
        ({"HOME": "relative", "XDG_CACHE_HOME": "too"}, "/dev/null/no-home"),
        ({"MINNER_CACHE_DIR": "~nobody-of-this-name/x"}, "/dev/null/no-home"),
    ],
)
def test_relative_homes(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], place: str
) -> None:
    for name in ("MINNER_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_directory() == Path(place)


# ---- what it says -------------------------------------------------------------------------------


def test_a_file_under_the_name_of_another_is_not_used(kept: Path) -> None:
    assert read_checked(kept, SAYS) == read_checked(kept) == b"code"
    assert read_checked(kept, SAYS + " of another precision") is None
    swapped = kept.with_name("forward-gelu-int8-" + "1" * 32 + ".bin")
    swapped.write_bytes(kept.read_bytes())
    assert read_checked(swapped, "int8") is None


# ---- packed weights -----------------------------------------------------------------------------


@pytest.fixture
def model(directory: Path, tmp_path: Path) -> Path:
    source = write_checkpoint(tmp_path / "model")
    for file in source.iterdir():
        os.utime(file, (LONG_AGO, LONG_AGO))
    load_packed(open_checkpoint(source))
    return source


@pytest.fixture(params=["settled", "fresh"])
def age(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether digests of files that have just been written are remembered, as of older ones."""
    if request.param == "settled":
        monkeypatch.setattr(digests, "SETTLING", -1.0)


def count_packing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    for name in ("pack_word_embeddings", "pack_memory"):
        before: Callable[..., Any] = getattr(packer, name)

        def pack(*arguments: Any, before: Any = before, name: str = name) -> Any:
            made.append(name)
            return before(*arguments)

        monkeypatch.setattr(packer, name, pack)
    return made


@pytest.mark.usefixtures("age")
def test_every_flipped_bit_is_noticed(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random, made = np.random.default_rng(0), count_packing(monkeypatch)
    checkpoint = open_checkpoint(model)
    whole = load_packed(checkpoint)
    for path in (word_embeddings_path(checkpoint), cache_path(checkpoint, "float32")):
        size = path.stat().st_size
        for place in (0, 4095, 4096, size - 1, *random.integers(0, size, 20)):
            before = len(made)
            content = bytearray(path.read_bytes())
            content[place] ^= 1 << random.integers(8)
            path.write_bytes(content)
            os.utime(path, (LONG_AGO, LONG_AGO))
            model_again = load_packed(checkpoint)
            assert len(made) == before + 1
            np.testing.assert_array_equal(model_again.memory, whole.memory)
            np.testing.assert_array_equal(model_again.word_embeddings, whole.word_embeddings)


@pytest.mark.usefixtures("age")
@pytest.mark.parametrize("damage", ["zeros", "pages", "cut", "longer"])
def test_other_damage_is_noticed(model: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = open_checkpoint(model)
    path = cache_path(checkpoint, "float32")
    load_packed(checkpoint)
    content = path.read_bytes()
    changed = {
        "zeros": content[:4096] + bytes(len(content) - 4096),
        "pages": content[:4096] + content[8192:12288] + content[4096:8192] + content[12288:],
        "cut": content[:-4096],
        "longer": content + bytes(4096),
    }[damage]
    path.write_bytes(changed)
    made = count_packing(monkeypatch)
    load_packed(checkpoint)
    assert made == ["pack_memory"]
    assert path.read_bytes() == content


def test_a_digest_is_taken_once(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "SETTLING", -1.0)
    load_packed(open_checkpoint(model))

    def take(*_: object) -> bytes:
        raise AssertionError("it is remembered")

    monkeypatch.setattr(digests, "_take", take)
    load_packed(open_checkpoint(model))


def test_the_next_boot_takes_it_again(
    model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(digests, "SETTLING", -1.0)
    load_packed(open_checkpoint(model))
    (tmp_path / "boot").write_text("another")
    monkeypatch.setattr(digests, "BOOT", tmp_path / "boot")
    taken, take = [], digests._take
    monkeypatch.setattr(digests, "_take", lambda *file: taken.append(1) or take(*file))
    load_packed(open_checkpoint(model))
    assert len(taken) == 3, "the checkpoint, word embeddings, all else"


def test_a_checkpoint_that_changed_in_secret(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same size, same whole second, and behind the first kilobyte of a tensor."""
    monkeypatch.setattr(digests, "SETTLING", -1.0)
    before = load_packed(open_checkpoint(model)).memory.copy()
    file = model / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-37] ^= 0x10
    content[-3000] ^= 0x10
    file.write_bytes(content)
    os.utime(file, (LONG_AGO, LONG_AGO))
    assert (load_packed(open_checkpoint(model)).memory != before).any()


def test_a_file_that_is_mapped_stays_what_it_is(model: Path) -> None:
    mapped = load_packed(open_checkpoint(model)).memory
    before = mapped.copy()
    path = cache_path(open_checkpoint(model), "float32")
    identity = path.stat().st_ino
    assert keep(path, [b"shorter"])
    assert path.stat().st_ino != identity, "never in place"
    np.testing.assert_array_equal(mapped, before)


def test_digests_by_parts(tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(3 * 4096 + 5)
    (tmp_path / "file").write_bytes(content)
    whole, parts = Digest(), Digest()
    whole.update(content)
    for part in (content[:4096], content[4096:12288], content[12288:]):
        parts.update(part)
    assert whole.digest() == parts.digest()
    with (tmp_path / "file").open("rb", buffering=0) as file:
        assert digests._take(file, len(content)) == whole.digest()
        assert digests._take(file, len(content) + 1) == b""


# ---- what killed processes leave ----------------------------------------------------------------

KILLED = """
import sys, time
from pathlib import Path
from minner.cache import keep

def parts():
    yield b"x" * 100_000
    print("writing", flush=True)
    time.sleep(60)

keep(Path(sys.argv[1]), parts())
"""


def test_the_next_run_clears_what_a_killed_one_has_left(kept: Path) -> None:
    other = kept.with_name("words-" + "2" * 32 + ".bin")
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(other)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    assert keep_checked(kept, SAYS, b"code")
    assert len(list(kept.parent.iterdir())) == 2, "what is being written stays"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert len(list(kept.parent.iterdir())) == 2
    assert keep_checked(kept, SAYS, b"code")
    assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.parametrize("error", [KeyboardInterrupt, TimeoutError, ValueError])
def test_an_interrupted_write_leaves_nothing(kept: Path, error: type[BaseException]) -> None:
    def parts() -> Iterator[bytes]:
        yield b"x"
        raise error("by a handler")

    with pytest.raises(error):
        keep(kept, parts(), "code")
    assert list(kept.parent.iterdir()) == [kept]
    assert read_checked(kept, SAYS) == b"code"
