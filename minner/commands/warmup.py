"""`minner warmup`: fill the caches now, for a fast start later."""

from __future__ import annotations

import argparse
import time

from minner.commands.common import Commands, add_model_options, load
from minner.commands.output import tell


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "warmup",
        help="compile the kernels now, for a fast start later",
        description="Compile the kernels and pack the weights of one model in one precision, and "
        "keep both for a fast start later.",
    )
    add_model_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Load the model and run it once."""
    began = time.perf_counter()
    load(options)("John Smith works in London.")
    tell(f"minner: ready after {time.perf_counter() - began:.1f} s")
