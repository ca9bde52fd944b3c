"""Stdout and stderr as commands write them: also closed, full, or with nobody who reads."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from minner.errors import MinnerError

STDIN, STDOUT, STDERR = 0, 1, 2


def open_missing_streams() -> None:
    """Fill the places of standard streams that the caller has closed, as with `>&-`.

    Without that, the next file that is opened would get the place, and be read or written instead.
    What takes it fails where the closed stream would fail, except that stderr, which nobody needs,
    swallows what it gets.
    """
    for descriptor, mode in ((STDIN, os.O_WRONLY), (STDOUT, os.O_RDONLY), (STDERR, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)  # the lowest free number: this one
    if sys.stdout is None:
        sys.stdout = open(STDOUT, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(STDERR, "w", closefd=False)  # noqa: SIM115


def write(text: str) -> None:
    """Write to stdout.

    Raises:
        BrokenPipeError: who reads stdout has closed it.
        MinnerError: stdout cannot be written for another reason, such as a full disk.
    """
    try:
        sys.stdout.write(text)
    except OSError as error:
        raise _stdout_fault(error) from error


def flush() -> None:
    """Write what stdout still holds back; raises as `write` does."""
    try:
        sys.stdout.flush()
    except OSError as error:
        raise _stdout_fault(error) from error


def write_file(path: Path, text: str) -> None:
    """Write a file in the place of stdout.

    Raises:
        MinnerError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise MinnerError(f"{path}: cannot be written: {error.strerror}") from error


def tell(text: str) -> None:
    """Write a line to stderr, if that can be written."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        discard(STDERR)


def discard(descriptor: int) -> None:
    """Send to nowhere what a stream still holds back, which Python would complain of at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _stdout_fault(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):
        return error
    return MinnerError(f"stdout: {error.strerror}; the output is not complete")
