"""The cache directory: what is made once on a machine and found again by every later process.

Machine code is read from it and run. So nothing is read that another user could have written
(root excepted), no link is followed, and a file's digest also covers the line saying what it is.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from minner.errors import warn

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # not a POSIX system: there leftovers of killed processes stay
    flock = None  # type: ignore[assignment]

DIGEST = 32
"""Bytes of a SHA-256."""

NAME_DIGITS = 32
"""Hexadecimal digits of a digest in the name of a file."""

LARGEST = 1 << 26
"""Bytes of the largest file that is read as a whole; compiled kernels take under one megabyte."""

_NOWHERE = Path(os.devnull) / "no-home"
"""A directory that even root cannot make."""

_READ = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
)
"""No link is followed, and a pipe is not waited for."""

_CREATE = (_READ & ~os.O_RDONLY) | os.O_RDWR | os.O_CREAT | os.O_EXCL

_UNFINISHED = re.compile(rf".+-[0-9a-f]{{{NAME_DIGITS}}}\w{{8}}")
"""The names of files that are being written: the later name's stem, and eight letters."""


# ---- where --------------------------------------------------------------------------------------


def cache_directory() -> Path:
    """`MINNER_CACHE_DIR`, else `minner` in the user's cache directory.

    Other variables than our own count only if they are absolute, as the XDG specification says.
    """
    try:
        chosen = os.environ.get("MINNER_CACHE_DIR")
        if chosen:
            return Path(chosen).expanduser()
        home = Path(os.environ.get("XDG_CACHE_HOME", ""))
        if not home.is_absolute():
            home = Path.home() / ".cache"
    except RuntimeError:  # a user id without a home, as containers have
        return _NOWHERE
    return home / "minner" if home.is_absolute() else _NOWHERE


def digest_for_name(identity: bytes) -> str:
    """The digest in the name of a file, by which files of different identity are told apart."""
    return hashlib.sha256(identity).hexdigest()[:NAME_DIGITS]


def version_of(package: str) -> bytes:
    """The file in which a package states its version, as Numba and llvmlite do.

    Reading it is quicker than importing the package, or than asking importlib.metadata (30 ms).
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return b""
    return (Path(spec.origin).parent / "_version.py").read_bytes()


# ---- reading ------------------------------------------------------------------------------------


def open_kept(path: Path) -> BinaryIO | None:
    """Open a file of the cache; None if there is none, or another user could have written it.

    A MinnerWarning says why a file is not trusted; `keep` warns about directories.
    """
    with _refusals_pass():
        if _distrusted_directory(path.parent):
            return None
        file = os.fdopen(os.open(path, _READ), "rb", buffering=0)
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            reason = _distrusted(status)
            if reason is None:
                return file
            _warn_once(path.parent, f"{path} is not used ({reason}); it is made anew")
        file.close()
    return None


def read_checked(path: Path, says: str | None = None) -> bytes | None:
    """What `keep_checked` has kept, or None where there is none, it is damaged, or something else.

    Args:
        path: of the file.
        says: what the file must say it is.
    """
    file = open_kept(path)
    if file is None:
        return None
    with file:
        content = file.read(LARGEST)
    digest, content = content[:DIGEST], content[DIGEST:]
    if hashlib.sha256(content).digest() != digest:
        return None
    line, _, content = content.partition(b"\n")
    return content if says is None or line == says.encode() else None


def noted_file(path: Path) -> Path | None:
    """The file that a file of the cache, by its line, is about; None where it names none."""
    file = open_kept(path)
    if file is None:
        return None
    with file:
        try:
            return Path(json.loads(file.read(1 << 16)[DIGEST:].partition(b"\n")[0])["file"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


# ---- writing ------------------------------------------------------------------------------------


def keep_checked(path: Path, says: str, content: bytes, what: str | None = None) -> bool:
    """Keep content that must not be used when it is damaged, or taken for something else.

    The file holds a SHA-256 of all that follows it, a line that says what this is, the content.
    """
    body = says.encode() + b"\n" + content
    return keep(path, [hashlib.sha256(body).digest(), body], what)


def keep(path: Path, parts: Iterable[Any], what: str | None = None) -> bool:
    """Write bytes-like parts to a file that appears whole, however many processes do this.

    Nothing is ever written in place: processes may have mapped the file that was there.

    Returns:
        Whether the file is there. If it cannot be written, a MinnerWarning says so: the first time
        in a process, and only if `what` says what is lost.
    """
    directory = path.parent
    try:
        _make(directory)
        reason = _distrusted_directory(directory)
        if reason is not None:
            raise PermissionError(errno.EPERM, reason)
        _clear_abandoned(directory)
        _write(path, parts)
    except OSError as error:
        if error.errno is None:  # raised by the handler of a signal, such as a TimeoutError
            raise
        if what is not None:
            _warn_once(
                directory,
                f"{what} could not be kept in {directory} ({error.strerror}); "
                "set MINNER_CACHE_DIR to a writable directory of your own to start faster",
            )
        return False
    return True


def _make(directory: Path) -> None:
    """Make a directory and those above it, for its owner alone, whatever the umask."""
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, parts: Iterable[Any]) -> None:
    file, unfinished = _new_file(path)
    try:
        with file:
            for part in parts:
                file.write(part)
            file.flush()
            if hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), 0o644)  # built by root, run by another user
            os.replace(unfinished, path)
    except BaseException:
        with _refusals_pass():
            os.unlink(unfinished)
        raise


def _new_file(path: Path) -> tuple[BinaryIO, Path]:
    """A file that is locked while somebody writes it, so that nobody takes it for abandoned."""
    while True:
        unfinished = path.with_name(path.stem + os.urandom(4).hex())
        file = os.fdopen(os.open(unfinished, _CREATE, 0o600), "wb")
        if flock is None:
            return file, unfinished
        with _refusals_pass():  # some network file systems know no locks
            flock(file.fileno(), LOCK_EX | LOCK_NB)
        if os.fstat(file.fileno()).st_nlink:
            return file, unfinished
        file.close()  # another process has cleared it before it was locked


def _clear_abandoned(directory: Path) -> None:
    """Remove what killed processes were writing: their locks are gone."""
    if flock is None:
        return
    for entry in list(os.scandir(directory)):
        if _UNFINISHED.fullmatch(entry.name):
            with _refusals_pass(), os.fdopen(os.open(entry.path, _READ)) as file:
                flock(file.fileno(), LOCK_EX | LOCK_NB)
                os.unlink(entry.path)


# ---- whom we trust ------------------------------------------------------------------------------


def _distrusted_directory(directory: Path) -> str | None:
    """Why other users could have put something into a directory; None if they could not."""
    return _distrusted(os.lstat(directory), writable=False) or _distrusted(os.stat(directory))


def _distrusted(status: os.stat_result, writable: bool = True) -> str | None:
    """Why a file or directory is not trusted; of a link, only its owner counts."""
    if not hasattr(os, "geteuid"):
        return None
    if status.st_uid not in (0, os.geteuid()):
        return f"it belongs to another user, number {status.st_uid}"
    if writable and status.st_mode & 0o022:
        return f"other users may write to it: its mode is {stat.S_IMODE(status.st_mode):o}"
    return None


@contextmanager
def _refusals_pass() -> Iterator[None]:
    """Go on where the system refuses; not where the handler of a signal raises a TimeoutError."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise


_warned_about: set[Path] = set()


def _warn_once(directory: Path, message: str) -> None:
    if directory not in _warned_about:
        _warned_about.add(directory)
        warn(message)
