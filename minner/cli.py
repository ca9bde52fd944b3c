"""The command line: `minner COMMAND ...`; the commands are in `minner/commands/`."""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import minner
from minner.commands import (
    bench,
    bundle,
    cache,
    convert,
    diff,
    evaluate,
    explain,
    inspect,
    redact,
    serve,
    tag,
    warmup,
)
from minner.commands.output import STDOUT, discard, flush, open_missing_streams, tell, write
from minner.errors import MinnerError

_OPTION = re.compile("--?[a-z]")
_HIDDEN = "\0--"  # no argument of a program can hold a NUL

COMMANDS = (
    tag,
    redact,
    explain,
    serve,
    evaluate,
    diff,
    inspect,
    convert,
    bundle,
    bench,
    warmup,
    cache,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0, or 1 for bad input or a bad model. Wrong usage exits with 2.
    """
    open_missing_streams()
    # A lone surrogate, as an undecodable argument holds one, prints as an escape.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        return _run(sys.argv[1:] if arguments is None else list(arguments))


def _run(arguments: list[str]) -> int:
    try:
        status = _status(arguments)
        flush()
        return status
    except BrokenPipeError:
        discard(STDOUT)  # whoever read our output has seen enough
        return 0
    except (MinnerError, OSError) as error:
        return _fail(error)
    except KeyboardInterrupt:
        return 130


def _status(arguments: list[str]) -> int:
    try:
        options = _parse(arguments)
        options.run(options)
    except SystemExit as end:  # argparse's, after help, the version or wrong usage
        return end.code if isinstance(end.code, int) else 1
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Parse. Texts may also stand after an option, where argparse alone would not know them."""
    parser = _parser()
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


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="minner", description="Named entity recognition on CPUs: text in, entities out."
    )
    parser.add_argument("--version", action="version", version=f"minner {minner.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
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
