"""Small files read whole, with every failure turned into one sentence that names the file."""

import json
import os
import re
import stat
from collections.abc import Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

from minner.errors import MinnerError

_LFS_POINTER = b"version https://git-lfs"
"""How the stand-in file begins that a clone without git-lfs holds in place of a large file."""


LARGEST = 8 << 20
"""Bytes of a small file: 8 MiB. JSON takes up to thirty times as much in memory."""

LARGEST_TOKENIZER = 18_000_000
"""Bytes of tokenizer.json or vocab.txt. That of XLM-R, with 250,000 wordpieces, takes 17.1 million
when it is indented; in memory it can be thirty times as much."""

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def refuse_lfs_pointer(path: Path, head: bytes) -> None:
    """Raise MinnerError if `head`, the first bytes of `path`, begins a git-lfs pointer."""
    if head.startswith(_LFS_POINTER):
        raise MinnerError(
            f"{path} is a git-lfs pointer, not the file itself; "
            f"fetch it with `git lfs install && git lfs pull` in {path.parent}"
        )


def open_regular(path: Path) -> FileIO:
    """Open a file to read, unbuffered; a named pipe, which would be waited for, is none.

    Raises:
        MinnerError: the file cannot be opened, or is a pipe, a socket, a device or a directory.
    """
    try:
        file = open(path, "rb", buffering=0, opener=_open_at_once)  # noqa: SIM115
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        raise MinnerError(f"cannot read {path}: {reason(error)}") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise MinnerError(f"cannot read {path}: it is no regular file; put the file itself there")
    return file


def _open_at_once(path: str, flags: int) -> int:
    """Open a pipe as well without waiting for somebody who writes."""
    return os.open(path, flags | os.O_NONBLOCK)


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """Return the content of `path`.

    Raises:
        MinnerError: as `open_regular`, or the file cannot be read, has more than `largest` bytes,
            or is a git-lfs pointer.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > largest:
                raise MinnerError(
                    f"{path} has {size} bytes, and minner reads up to {largest}: such a file of a "
                    f"real model is far smaller"
                )
            content = file.readall()
    except OSError as error:
        raise MinnerError(f"cannot read {path}: {reason(error)}") from error
    refuse_lfs_pointer(path, content)
    return content


def read_text(path: Path, largest: int = LARGEST) -> str:
    """Return the UTF-8 text of `path`, line ends untouched.

    Raises:
        MinnerError: as `read_bytes`, or the content is not UTF-8.
    """
    content = read_bytes(path, largest)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MinnerError(f"{path} is not UTF-8 text: bad byte at {error.start}") from error


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the JSON object that `path` holds.

    Raises:
        MinnerError: as `read_text`, or the text is not JSON, or is JSON but not an object.
    """
    text = read_text(path)
    try:
        value = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise MinnerError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise MinnerError(f"{path} must hold a JSON object, not a {type(value).__name__}")
    return value


def parse_json(text: str, **hooks: Any) -> Any:
    """Return what `json.loads` does; but a lone surrogate, half a character, is an error.

    JSON can write one as an escape, and nothing that has it can be written as UTF-8.

    Raises:
        ValueError: the text is not JSON, or holds a lone surrogate.
        RecursionError: it is nested too deeply.
    """
    value = json.loads(text, **hooks)
    if _SURROGATE_ESCAPE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError("it holds a lone surrogate, half a character") from error
    return value


def typed_value(path: Path, raw: Mapping[str, Any], key: str, kind: type) -> Any:
    """Return the value under `key` of `raw`, read from `path`; None where it is missing or null.

    Raises:
        MinnerError: the value is not of type `kind`.
    """
    value = raw.get(key)
    if value is not None and not isinstance(value, kind):
        raise MinnerError(f"{path}: {key} must be a {kind.__name__}, not {value!r}")
    return value


def reason(error: Exception) -> str:
    """Return what went wrong without the path, which the message around it names already."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def first_few(items: Sequence[str]) -> str:
    """Return the first three of `items` for a message, and how many more there are."""
    shown = ", ".join(items[:3])
    return f"{shown} and {len(items) - 3} more" if len(items) > 3 else shown
