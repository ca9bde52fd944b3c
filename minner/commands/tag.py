"""`minner tag`: find the entities of texts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from minner.commands.common import (
    Commands,
    add_model_options,
    add_text_options,
    load,
    read_lines,
)
from minner.formats import FORMATS
from minner.formats.brat import write_collection
from minner.progress import progress


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("tag", help="find the entities of texts")
    add_text_options(command)
    command.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    command.add_argument(
        "--collection",
        metavar="FOLDER",
        type=Path,
        help="with --format brat: write a .txt and an .ann file per text here, instead of one "
        ".ann file for all lines to stdout",
    )
    add_model_options(command)
    command.set_defaults(run=run, wrong_usage=command.error)


def run(options: argparse.Namespace) -> None:
    """Write the entities of all texts to stdout, as they are found."""
    brat = options.format == "brat"
    if options.collection and not brat:
        options.wrong_usage("argument --collection: needs --format brat")
    # One .ann file for a whole file counts in its line ends.
    as_is = brat and not options.collection
    texts = options.text or read_lines(options.file, as_is=as_is)
    ner = load(options)
    # On one terminal, results would run into the progress line; there they are progress enough.
    if not options.text and (options.collection or not sys.stdout.isatty()):
        texts = progress(texts, "texts")
    if options.collection:
        write_collection(ner, texts, options.collection)
        return
    for block in FORMATS[options.format](ner, texts):
        sys.stdout.write(block)
