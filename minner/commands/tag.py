"""`minner tag`: find the entities of texts."""

from __future__ import annotations

import argparse
import sys

from minner.commands.common import (
    Commands,
    add_model_options,
    add_text_options,
    load,
    read_lines,
)
from minner.formats import FORMATS
from minner.progress import progress


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("tag", help="find the entities of texts")
    add_text_options(command)
    command.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    add_model_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the entities of all texts to stdout, as they are found."""
    texts = options.text or read_lines(options.file)
    ner = load(options)
    # On one terminal, results would run into the progress line; there they are progress enough.
    if not options.text and not sys.stdout.isatty():
        texts = progress(texts, "texts")
    for block in FORMATS[options.format](ner, texts):
        sys.stdout.write(block)
