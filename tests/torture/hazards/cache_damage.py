"""Files of the cache that are damaged, exchanged, planted or given away."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from engines import Known, known_model

from minner.cache import read_checked
from minner.kernels.codegen import loader
from minner.weights import digests

PROVOKED = (
    "bits flipped, cut, zeroed, longer, swapped between names, links, pipes, other owners, modes; "
    "then the model is loaded: a right answer, from what was made anew"
)
QUICK, LONG = 200, 20_000


@dataclass
class Prepared:
    """A model, its cache, and how that was when it was whole.

    Attributes:
        known: the model.
        cache: the directory.
        whole: its files.
    """

    known: Known
    cache: Path
    whole: dict[str, bytes]


def prepare(workshop: Path) -> Prepared:
    """Fill a cache with a model in two precisions, and with its kernels."""
    known, kernels = known_model(workshop), []
    for precision in known.logits:
        path = loader.cache_path("gelu", precision)
        kernels.append((path.name, path.read_bytes()))
    os.environ["MINNER_CACHE_DIR"] = str(workshop / "cache")
    digests.SETTLING = -1.0  # digests of files that have just been written are remembered
    for precision in known.logits:
        for _ in range(2):
            known.engine(1, precision)
    for name, content in kernels:
        (workshop / "cache" / name).write_bytes(content)
    files = {path.name: path.read_bytes() for path in (workshop / "cache").iterdir()}
    return Prepared(known, workshop / "cache", files)


def trial(random: Random, prepared: Prepared) -> None:
    """Do harm to one or two files, and load."""
    for name in random.sample(sorted(prepared.whole), k=random.choice((1, 1, 2))):
        random.choice(HARM)(random, prepared.cache / name, prepared)
    precision = random.choice(tuple(prepared.known.logits))
    try:
        says, place = loader.identity("gelu", precision), loader.cache_path("gelu", precision)
        code = read_checked(place, says)
        assert code is None or place.read_bytes() == prepared.whole[place.name], "harm was not seen"
        prepared.known.assert_right(prepared.known.engine(2, precision))
    finally:
        _mend(prepared)


def _mend(prepared: Prepared) -> None:
    shutil.rmtree(prepared.cache)
    prepared.cache.mkdir(mode=0o700)
    for name, content in prepared.whole.items():
        (prepared.cache / name).write_bytes(content)


def _flip(random: Random, path: Path, _: Prepared) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(random.choice((1, 1, 1, 2, 50))):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(content)


def _cut(random: Random, path: Path, _: Prepared) -> None:
    os.truncate(path, random.randrange(path.stat().st_size))


def _zero(random: Random, path: Path, _: Prepared) -> None:
    size = path.stat().st_size
    os.truncate(path, random.choice((0, 4096, random.randrange(size))))
    os.truncate(path, size)


def _extend(random: Random, path: Path, _: Prepared) -> None:
    with path.open("ab") as file:
        file.write(random.randbytes(random.choice((1, 32, 4096))))


def _swap(random: Random, path: Path, prepared: Prepared) -> None:
    other = random.choice(sorted(prepared.whole))
    path.unlink()
    path.write_bytes(prepared.whole[other])


def _move(random: Random, path: Path, _: Prepared) -> None:
    """Exchange two pages."""
    content = path.read_bytes()
    pages = [content[at : at + 4096] for at in range(0, len(content), 4096)]
    random.shuffle(pages)
    path.write_bytes(b"".join(pages))


def _remove(random: Random, path: Path, _: Prepared) -> None:
    path.unlink()


def _link(random: Random, path: Path, prepared: Prepared) -> None:
    other = random.choice(sorted(prepared.whole))
    path.unlink()
    path.symlink_to(prepared.cache / other)


def _pipe(random: Random, path: Path, _: Prepared) -> None:
    path.unlink()
    os.mkfifo(path)


def _directory(random: Random, path: Path, _: Prepared) -> None:
    path.unlink()
    path.mkdir()


def _give_away(random: Random, path: Path, _: Prepared) -> None:
    """To another user, with other bytes."""
    _flip(random, path, _)
    if os.geteuid() == 0:
        os.chown(random.choice((path, path.parent)), 1234, 1234)
    else:
        path.chmod(0o666)


def _open_to_all(random: Random, path: Path, _: Prepared) -> None:
    if random.random() < 0.5:
        path.chmod(random.choice((0o777, 0o666, 0o000)))
    else:
        path.parent.chmod(random.choice((0o777, 0o770, 0o1777)))


HARM: tuple[Callable[[Random, Path, Prepared], None], ...] = (
    *(_flip, _flip, _flip, _cut, _zero, _extend, _swap, _move, _remove, _link, _pipe, _directory),
    *(_give_away, _open_to_all),
)
