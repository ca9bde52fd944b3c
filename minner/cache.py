"""The cache directory: what is made once on a machine and found again by every later process."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from minner.errors import warn


def cache_directory() -> Path:
    """`MINNER_CACHE_DIR`, else `minner` in the user's cache directory."""
    chosen = os.environ.get("MINNER_CACHE_DIR")
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(home) if home else Path.home() / ".cache") / "minner"
    except RuntimeError:  # a user id without a home, as containers have
        return Path("/nonexistent")


def version_of(package: str) -> bytes:
    """The file in which a package states its version, as Numba and llvmlite do.

    Reading it is quicker than importing the package, or than asking importlib.metadata (30 ms).
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return b""
    return (Path(spec.origin).parent / "_version.py").read_bytes()


def keep(path: Path, parts: Iterable[Any], what: str | None = None) -> bool:
    """Write bytes-like parts to a file that appears whole, however many processes do this.

    Returns:
        Whether the file is there. If it cannot be written, a MinnerWarning says so: the first time
        in a process, and only if `what` says what is lost.
    """
    import tempfile  # 3 ms that only the first process should take

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem)
        try:
            with os.fdopen(handle, "wb") as file:
                for part in parts:
                    file.write(part)
            os.chmod(temporary, 0o644)  # an image is built by root and run by another user
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        if what is not None:
            _warn(path.parent, what, error)
        return False
    return True


def keep_checked(path: Path, content: bytes, what: str | None = None) -> bool:
    """The same for content that must not be used when it is damaged: after its SHA-256."""
    return keep(path, [hashlib.sha256(content).digest(), content], what)


def read_checked(path: Path) -> bytes | None:
    """What `keep_checked` has kept, or None where there is none or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    checksum, content = content[:32], content[32:]
    return content if hashlib.sha256(content).digest() == checksum else None


_warned_about: set[Path] = set()


def _warn(directory: Path, what: str, error: OSError) -> None:
    if directory not in _warned_about:
        _warned_about.add(directory)
        warn(
            f"{what} could not be kept in {directory} ({error.strerror}); "
            "set MINNER_CACHE_DIR to a writable directory to start faster"
        )
