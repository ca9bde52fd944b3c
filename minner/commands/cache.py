"""`minner cache`: what is kept in the cache, and what of it nobody needs any more."""

from __future__ import annotations

import argparse
import os
import re
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from minner.cache import cache_directory, noted_file
from minner.commands.common import Commands
from minner.commands.output import tell, write
from minner.errors import MinnerError, MinnerWarning
from minner.formats.json_text import json_text

_NAME = re.compile(
    r"(?:(?P<kind>processor|words|wordpieces|digest)|(?P<weights>weights)-(?P<packed>\w+)|forward-(?P<code>.+)-(?P<run>\w+))"
    r"-[0-9a-f]{32}(?P<end>\.bin|\w{8})"
)
"""The names of the files that minner keeps. Eight letters at the end are of an unfinished file."""

_HOUR = 3600.0

NEEDED = "needed"


@dataclass(frozen=True)
class Kept:
    """A file in the cache.

    Attributes:
        path: of the file.
        kind: kernels, weights, embeddings, wordpieces, digests or processor.
        purpose: what it is for.
        bytes: its size.
        used: when it was last used, in seconds since 1970; Linux notes that once a day at least.
        state: `NEEDED`, or why nobody needs it.
    """

    path: Path
    kind: str
    purpose: str
    bytes: int
    used: float
    state: str

    @property
    def is_stale(self) -> bool:
        """Whether nobody needs it any more."""
        return self.state != NEEDED


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "cache",
        help="list what is kept for fast starts, and clear what is not needed any more",
        description="List the compiled kernels and packed weights that are kept for fast starts. "
        "What is cleared by mistake is made again when it is needed.",
    )
    command.add_argument(
        "--clear",
        nargs="?",
        choices=("stale", "all"),
        const="stale",
        help="remove what this version of minner does not use on this machine, or all; "
        "default: stale",
    )
    command.add_argument(
        "--format", choices=("table", "json"), default="table", help="default: table"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the list to stdout; or remove files, and say on stderr what that freed."""
    files = list(kept_files(cache_directory()))
    if options.clear:
        _clear([one for one in files if options.clear == "all" or one.is_stale])
    elif options.format == "json":
        records = [{**asdict(one), "path": str(one.path)} for one in files]
        write(json_text({"directory": str(cache_directory()), "files": records}, indent=2))
    else:
        write(_table(files))


def kept_files(directory: Path) -> Iterator[Kept]:
    """The files that minner keeps in a directory, the largest of each kind first."""
    try:
        entries = [path for path in directory.iterdir() if path.is_file()]
    except FileNotFoundError:
        return
    except OSError as error:
        raise MinnerError(f"{directory}: cannot be read: {error.strerror}") from error
    found = filter(None, map(_kept, entries))
    yield from sorted(found, key=lambda one: (one.kind, -one.bytes, one.path))


def _kept(path: Path) -> Kept | None:
    """What a file is; None where it is none of minner's, or was just removed."""
    name = _NAME.fullmatch(path.name)
    if not name:
        return None
    try:
        status = path.stat()
        kind, purpose, state = _described(path, name)
    except OSError:
        return None
    with suppress(OSError):  # looking at a file is no use of it
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    used = max(status.st_atime, status.st_mtime)
    if name["end"] != ".bin":
        state = "unfinished" if time.time() - status.st_mtime > _HOUR else NEEDED
    return Kept(path, kind, purpose, status.st_size, used, state)


def _described(path: Path, name: re.Match[str]) -> tuple[str, str, str]:
    """Kind, purpose and state of a finished file."""
    if name["code"]:
        return "kernels", f"{name['code']}, {name['run']}", _state_of_kernels(path, name)
    if name["kind"] in ("digest", "wordpieces"):
        file = noted_file(path)
        kind = "digests" if name["kind"] == "digest" else "wordpieces"
        return kind, str(file or "an unknown file"), _state_of_note(file)
    if name["kind"] == "processor":
        return "processor", "its name and features", NEEDED
    place, state = _origin_and_state(path)
    if name["weights"]:
        return "weights", f"{place}, {name['packed']}", state
    return "embeddings", place, state


def _state_of_kernels(path: Path, name: re.Match[str]) -> str:
    from minner.kernels.codegen import loader  # takes 30 ms, which other commands need not pay

    is_current = loader.cache_path(name["code"], name["run"]).name == path.name
    return NEEDED if is_current else "of another version or processor"


def _state_of_note(file: Path | None) -> str:
    return NEEDED if file is not None and file.exists() else "the file is gone"


def _origin_and_state(path: Path) -> tuple[str, str]:
    """The checkpoint of packed weights, and whether it still needs them."""
    from minner.weights.checkpoint import open_checkpoint
    from minner.weights.packed import is_needed, packed_from

    directory = packed_from(path)
    if directory is None:
        return "an unknown checkpoint", "of another version"
    if not directory.is_dir():
        return str(directory), "the checkpoint is gone"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MinnerWarning)
            needed = is_needed(path, open_checkpoint(directory))
    except MinnerError:
        return str(directory), "the checkpoint cannot be read"
    return str(directory), NEEDED if needed else "of another version, or the checkpoint has changed"


def _table(files: list[Kept]) -> str:
    rows = [("KIND", "MB", "LAST USED", "STATE", "FOR")]
    for one in files:
        day = f"{datetime.fromtimestamp(one.used):%Y-%m-%d}"
        rows.append((one.kind, f"{one.bytes / 1e6:.1f}", day, one.state, one.purpose))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        f"{kind:<{widths[0]}}  {size:>{widths[1]}}  {day:<{widths[2]}}  {state:<{widths[3]}}  "
        f"{purpose}\n"
        for kind, size, day, state, purpose in rows
    )
    stale = [one for one in files if one.is_stale]
    total = f"{_counted(files)} in {cache_directory()}"
    freed = f"; minner cache --clear removes {_counted(stale)}" if stale else ""
    return "".join(lines) + f"\n{total}{freed}\n"


def _counted(files: list[Kept]) -> str:
    plural = "s" * (len(files) != 1)
    return f"{len(files)} file{plural} of {sum(one.bytes for one in files) / 1e6:.1f} MB"


def _clear(files: list[Kept]) -> None:
    for one in files:
        try:
            os.unlink(one.path)
        except FileNotFoundError:
            pass  # another process was quicker
        except OSError as error:
            raise MinnerError(f"{one.path}: cannot be removed: {error.strerror}") from error
    tell(f"minner: removed {_counted(files)} from {cache_directory()}")
