"""The command line: `minner COMMAND ...`; the commands are in `minner/commands/`."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import minner
from minner.commands import bench, diff, evaluate, inspect, redact, tag, warmup
from minner.weights.errors import MinnerError

COMMANDS = (tag, redact, evaluate, diff, inspect, bench, warmup)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0, or 1 for bad input or a bad model. Wrong usage exits with 2.
    """
    options = _parser().parse_args(arguments)
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
