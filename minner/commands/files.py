"""Files that commands read by the line, and those that they write beside stdout."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from minner.commands.output import STDIN, STDOUT
from minner.errors import MinnerError


def read_lines(path: str | None, *, as_is: bool = False) -> Iterator[str]:
    """One text per line, from a file or from stdin; an empty line is an empty text.

    Args:
        path: the file, or None for stdin.
        as_is: keep line ends and a byte order mark, so that the lines together are the file.

    Raises:
        MinnerError: the file cannot be read, is not UTF-8, or is where stdout goes.
    """
    name = "stdin" if path is None else path
    try:
        # Opened here, not at the first line: a wrong path fails before the model is loaded.
        # `_decode` closes it.
        file = open(STDIN, "rb", closefd=False) if path is None else open(path, "rb")  # noqa: SIM115
        os.read(file.fileno(), 0)  # fails where stdin is closed
    except OSError as error:
        raise _unreadable(name, error) from error
    check_not_output(name, file.fileno())
    return _decode(file, name, as_is)


def _decode(file: BinaryIO, name: str, as_is: bool) -> Iterator[str]:
    """Decode line by line, so that a fault can be named by its line."""
    with file:
        for number, line in enumerate(_lines(file, name), start=1):
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise MinnerError(f"{name}:{number}: not UTF-8; convert the file first") from error
            if not as_is:
                text = text.removeprefix("\ufeff" if number == 1 else "").rstrip("\r\n")
            yield text


def _lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    while True:
        try:
            line = file.readline()
        except OSError as error:
            raise _unreadable(name, error) from error
        if not line:
            return
        yield line


def _unreadable(name: str, error: OSError) -> MinnerError:
    return MinnerError(f"{name}: cannot be read: {error.strerror}")


def check_not_output(path: str, opened: int | None = None) -> None:
    """Refuse to read the file that stdout goes to: it is emptied by now, or grows as it is read.

    Args:
        path: of the input, for the message.
        opened: its descriptor, where it is open.

    Raises:
        MinnerError: stdout goes to that file.
    """
    try:
        ours, output = os.stat(path if opened is None else opened), os.fstat(STDOUT)
    except OSError:
        return  # one of them cannot be used, and says so when it is
    if stat.S_ISREG(ours.st_mode) and os.path.samestat(ours, output):
        raise MinnerError(f"{path} is also where the output goes; write to another file")


class PrivateFile:
    """A text file for what only its owner may read.

    A file that is there is replaced only if that was asked for, or if it is empty. What is no
    regular file, such as a pipe, is written as it is.
    """

    def __init__(self, path: str, *, inputs: Iterable[str | int], overwrite: bool) -> None:
        """Make the file.

        Args:
            path: of the file.
            inputs: paths and descriptors of the files that are read.
            overwrite: whether a file that is there may be replaced.

        Raises:
            MinnerError: the file is an input, may not be replaced, or cannot be written.
        """
        self._path = path
        try:
            descriptor = _create(path)
        except OSError as error:
            raise self._fault(error) from error
        self._file = open(  # noqa: SIM115
            descriptor, "w", encoding="utf-8", errors="backslashreplace"
        )
        try:
            _take_over(path, descriptor, inputs, overwrite)
        except OSError as error:
            self._file.close()
            raise self._fault(error) from error
        except MinnerError:
            self._file.close()
            raise

    def write(self, text: str) -> None:
        """Write; MinnerError where that fails."""
        try:
            self._file.write(text)
        except OSError as error:
            raise self._fault(error) from error

    def __enter__(self) -> PrivateFile:
        return self

    def __exit__(self, *_: object) -> None:
        """Close; MinnerError where what was held back cannot be written."""
        try:
            self._file.close()
        except OSError as error:
            raise self._fault(error) from error

    def _fault(self, error: OSError) -> MinnerError:
        return MinnerError(f"{self._path}: cannot be written: {error.strerror}")


def _create(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    except FileExistsError:
        return os.open(path, os.O_WRONLY)


def _take_over(path: str, descriptor: int, inputs: Iterable[str | int], overwrite: bool) -> None:
    """Make an open file private and empty; nothing of it changes where it is to be kept."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return
    for name in inputs:
        # By what the names stand for: links and other spellings of a path are the same file.
        if os.path.samestat(status, os.stat(name)):
            raise MinnerError(f"{path} is read, and so cannot be written; name another file")
    if status.st_size and not overwrite:
        raise MinnerError(f"{path} is there already; --overwrite replaces it")
    os.fchmod(descriptor, 0o600)
    os.ftruncate(descriptor, 0)
