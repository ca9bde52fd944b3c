"""`minner inspect`: what a checkpoint is, what it costs, and what is wrong with it."""

from __future__ import annotations

import argparse

from minner.commands.common import Commands
from minner.commands.output import write
from minner.errors import MinnerError
from minner.formats.json_text import json_text
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
        help="a directory or a Hugging Face repository; default: the embedded model",
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
        write(json_text(examination.numbers(), indent=2))
    else:
        write(table(examination))
    if examination.errors:
        raise MinnerError(examination.errors[0])
