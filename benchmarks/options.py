"""The command-line options that all benchmarks share."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

MODELS = ("distilbert", "bert", "bert-tiny")

WORK = Path.home() / ".cache" / "minner-benchmarks"


def shared_options(
    description: str | None, *, rounds: int, minutes: float, output: str
) -> argparse.ArgumentParser:
    """Return a parser that knows the shared options.

    Args:
        description: what the benchmark does.
        rounds: how often everything is measured, unless the user says otherwise.
        minutes: likewise, after how many minutes no more rounds start.
        output: file name of the JSON, within the work folder unless the user says otherwise.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of every engine")
    parser.add_argument("--rounds", type=int, default=rounds, help="interleaved repetitions")
    parser.add_argument("--minutes", type=float, default=minutes, help="no more rounds after that")
    parser.add_argument(
        "--model", choices=MODELS, default=MODELS[0], help="whose shape the random one has"
    )
    parser.add_argument("--checkpoint", type=Path, help="a model instead of the random one")
    parser.add_argument("--work", type=Path, default=WORK, help="keeps models and their exports")
    parser.add_argument("--output", type=Path, default=WORK / output, help="where the JSON goes")
    return parser


def count_rounds(options: argparse.Namespace) -> Iterator[int]:
    """Count the rounds, and tell how they go; stops before one that would take too long."""
    start = time.monotonic()
    for number in range(options.rounds):
        yield number
        spent = time.monotonic() - start
        print(f"round {number + 1} of {options.rounds}, {spent:.0f} s", file=sys.stderr, flush=True)
        if spent * (number + 2) / (number + 1) > 60 * options.minutes:
            return


def comma_list(text: str) -> list[str]:
    """Split `a,b,c`."""
    return text.split(",")
