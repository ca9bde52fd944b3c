"""`minner inspect`: what a checkpoint is, what it costs, and what is wrong with it."""

from __future__ import annotations

import argparse
import json
import sys

from minner.commands.common import Commands
from minner.errors import MinnerError
from minner.weights.hub import find_checkpoint


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "inspect", help="tell what a checkpoint is, what it costs, and what is wrong with it"
    )
    command.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="a directory or Hugging Face repo id; default: the embedded model",
    )
    command.add_argument(
        "--format", choices=("table", "json"), default="table", help="default: table"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the examination to stdout; fail where minner cannot run the checkpoint."""
    # Imported here: most runs of the command line inspect nothing.
    from minner.inspection.examine import examine
    from minner.inspection.text import table

    examination = examine(find_checkpoint(options.model))
    if options.format == "json":
        print(json.dumps(examination.numbers(), indent=2))
    else:
        sys.stdout.write(table(examination))
    if examination.errors:
        sys.stdout.flush()
        raise MinnerError(examination.errors[0])
