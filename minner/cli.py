"""The command line: `minner COMMAND ...`; the commands are in `minner/commands/`."""

from __future__ import annotations

import argparse
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import minner
from minner.commands import bench, convert, diff, evaluate, inspect, redact, tag, warmup
from minner.errors import MinnerError

_OPTION = re.compile("--?[a-z]")

COMMANDS = (tag, redact, evaluate, diff, inspect, convert, bench, warmup)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0, or 1 for bad input or a bad model. Wrong usage exits with 2.
    """
    options = _parse(sys.argv[1:] if arguments is None else list(arguments))
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    # A lone surrogate, as an undecodable argument holds one, prints as an escape.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        options.run(options)
        sys.stdout.flush()
    except MinnerError as error:
        return _fail(error)
    except BrokenPipeError:
        _discard_stdout()  # whoever read our output has seen enough
    except OSError as error:  # such as a full disk under stdout
        _discard_stdout()
        return _fail(error)
    except KeyboardInterrupt:
        return 130
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Parse. Texts may also stand after an option, where argparse alone would not know them."""
    parser = _parser()
    options, late = parser.parse_known_args(arguments)
    if not late:
        return options
    if not any(map(_OPTION.match, late)):
        for text in reversed(late):  # each of them is the last of its kind
            del arguments[-1 - arguments[::-1].index(text)]
        options_at = [i for i, word in enumerate(arguments) if _OPTION.match(word)]
        place = min(options_at, default=len(arguments))
        arguments[place:place] = late
    return parser.parse_args(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minner", description="Named entity recognition on CPUs: text in, entities out."
    )
    parser.add_argument("--version", action="version", version=f"minner {minner.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser


def _fail(error: Exception) -> int:
    print(f"minner: error: {' '.join(str(error).splitlines())}", file=sys.stderr)
    return 1


def _discard_stdout() -> None:
    """Let nothing complain when Python flushes stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_warning(message: Warning | str, *_: Any) -> None:
    print(f"minner: warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
