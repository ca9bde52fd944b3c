"""The command line: `minner COMMAND ...`; the commands are in `minner/commands/`."""

from __future__ import annotations

import argparse
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import minner
from minner.commands.output import STDOUT, discard, flush, open_missing_streams, tell, write
from minner.errors import OUT_OF_MEMORY, MinnerError

MakeParser = Callable[[Sequence[str]], argparse.ArgumentParser]
"""From the arguments to a parser of them."""

_OPTION = re.compile("--?[a-z]")
_HIDDEN = "\0--"  # no argument of a program can hold a NUL

COMMANDS = {
    "tag": "tag",
    "redact": "redact",
    "explain": "explain",
    "serve": "serve",
    "eval": "evaluate",
    "diff": "diff",
    "inspect": "inspect",
    "convert": "convert",
    "bundle": "bundle",
    "bench": "bench",
    "warmup": "warmup",
    "cache": "cache",
}
"""Command -> its module in `minner/commands/`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0, or 1 for bad input or a bad model. Wrong usage exits with 2.
    """
    return _guarded(_parser, sys.argv[1:] if arguments is None else list(arguments))


def run_alone(command: str, program: str, **defaults: Any) -> int:
    """Run one command as a program of its own, as a bundle does.

    Args:
        command: a key of COMMANDS.
        program: what the user calls it.
        defaults: of its options, where they are others than usual.

    Returns:
        The exit status, as `main`.
    """

    def make_parser(_: object) -> argparse.ArgumentParser:
        alone = _Alone(program)
        import_module(f"minner.commands.{COMMANDS[command]}").add(alone)
        alone.parser.set_defaults(**defaults)
        return alone.parser

    return _guarded(make_parser, sys.argv[1:])


class _Alone:
    """Stands in for argparse's subparsers where one command is the whole program."""

    def __init__(self, program: str) -> None:
        self._program = program

    def add_parser(
        self, _name: str, *, help: str, description: str = ""
    ) -> argparse.ArgumentParser:
        """The parser of the program."""
        self.parser = _Parser(self._program, description=description or help)
        return self.parser


def _guarded(make_parser: MakeParser, arguments: list[str]) -> int:
    """Run a command, whatever becomes of stdout and stderr."""
    # The threads of NumPy's OpenBLAS, which few commands need, spin for 2^28 cycles before they
    # first sleep: 90 ms of a core, or of a container's quota, at every start. 2^20 are 0.3 ms.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    open_missing_streams()
    # A lone surrogate, as an undecodable argument holds one, prints as an escape.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        return _run(make_parser, arguments)


def _run(make_parser: MakeParser, arguments: list[str]) -> int:
    try:
        status = _status(make_parser(arguments), arguments)
        flush()
        return status
    except BrokenPipeError:
        discard(STDOUT)  # whoever read our output has seen enough
        return 0
    except (MinnerError, OSError) as error:
        return _fail(error)
    except OUT_OF_MEMORY:
        return _fail(MinnerError("the system has no memory for this: give the process more"))
    except KeyboardInterrupt:
        return 130


def _status(parser: argparse.ArgumentParser, arguments: list[str]) -> int:
    try:
        options = _parse(parser, arguments)
        options.run(options)
    except SystemExit as end:  # argparse's, after help, the version or wrong usage
        return end.code if isinstance(end.code, int) else 1
    return 0


def _parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse. Texts may also stand after an option, where argparse alone would not know them."""
    arguments = _with_later_dashes_hidden(arguments)
    options, late = parser.parse_known_args(arguments)
    if late and not any(map(_OPTION.match, late)):
        for text in reversed(late):  # remove the last occurrence
            del arguments[-1 - arguments[::-1].index(text)]
        options_at = [i for i, word in enumerate(arguments) if _OPTION.match(word)]
        place = min(options_at, default=len(arguments))
        arguments[place:place] = late
    if late:
        options = parser.parse_args(arguments)
    for name, value in vars(options).items():
        if isinstance(value, list):
            setattr(options, name, ["--" if one == _HIDDEN else one for one in value])
        elif value == _HIDDEN:
            setattr(options, name, "--")
    return options


def _with_later_dashes_hidden(arguments: list[str]) -> list[str]:
    """Hide each `--` after the first, which is a text; argparse (3.11) takes it for a mark, too."""
    first = arguments.index("--") if "--" in arguments else len(arguments)
    return [_HIDDEN if i > first and word == "--" else word for i, word in enumerate(arguments)]


class _Parser(argparse.ArgumentParser):
    """A parser whose help fails where it cannot be written; argparse's own hides that."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            write(message)
        else:
            tell(message.rstrip("\n"))


def _parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser; of one command alone where that is the first argument: the others take time."""
    parser = _Parser(
        prog="minner", description="Named entity recognition on CPUs: text in, entities out."
    )
    parser.add_argument("--version", action="version", version=f"minner {minner.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS.keys() & arguments[:1] or COMMANDS:
        import_module(f"minner.commands.{COMMANDS[command]}").add(commands)
    return parser


def _fail(error: Exception) -> int:
    """Write what there is of the output, then what went wrong."""
    try:
        flush()
    except (MinnerError, BrokenPipeError):
        discard(STDOUT)
    message = str(error)
    if isinstance(error, OSError) and error.strerror:
        message = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    tell(f"minner: error: {' '.join(message.splitlines())}")
    return 1


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    tell(f"minner: warning: {message}")


if __name__ == "__main__":
    sys.exit(main())
