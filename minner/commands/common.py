"""What the commands share: the options of a model, and texts by the line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any, BinaryIO

import minner
from minner.weights.errors import MinnerError

Commands = Any  # argparse's private _SubParsersAction


def add_model_options(command: argparse.ArgumentParser) -> None:
    """Let a command choose its model, and on how many cores it runs."""
    add_checkpoint_options(command)
    command.add_argument("--threads", type=int, help="cores to use")


def add_checkpoint_options(command: argparse.ArgumentParser) -> None:
    """Let a command choose its model."""
    command.add_argument(
        "--model", help="a directory or Hugging Face repo id; default: the embedded model"
    )
    command.add_argument("--precision", default="float32", help="default: float32")


def load(options: argparse.Namespace) -> Any:
    """The model that the options ask for."""
    return minner.load(options.model, precision=options.precision, threads=options.threads)


def add_text_options(command: argparse.ArgumentParser) -> None:
    """Let a command take texts as arguments, from a file, or from stdin."""
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "text", nargs="*", default=[], metavar="TEXT", help="a text; none: a text per line of stdin"
    )
    source.add_argument("-f", "--file", help="read a text per line from here instead of stdin")


def read_lines(path: str | None) -> Iterator[str]:
    """One text per line, from a file or from stdin; an empty line is an empty text."""
    name = "stdin" if path is None else path
    try:
        # Opened here, not at the first line: a wrong path fails before the model is loaded.
        # `_decode` closes it.
        file = open(0, "rb", closefd=False) if path is None else open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise MinnerError(f"{name}: cannot be read: {error.strerror}") from error
    return _decode(file, name)


def _decode(file: BinaryIO, name: str) -> Iterator[str]:
    """Decode line by line, so that a fault can be named by its line; drop a byte order mark."""
    with file:
        for number, line in enumerate(file, start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise MinnerError(f"{name}:{number}: not UTF-8; convert the file first") from error
            yield text.rstrip("\r\n")
