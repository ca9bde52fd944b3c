"""`minner tag`: find the entities of texts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from minner.commands.common import (
    Commands,
    add_model_options,
    add_rule_options,
    add_text_options,
    load,
    rules_of,
)
from minner.commands.files import read_lines
from minner.commands.output import write
from minner.errors import MinnerError
from minner.formats import FORMATS
from minner.options import Options
from minner.progress import progress

_WITH_FOLDERS = " or ".join(name for name, one in FORMATS.items() if one.write_folder)


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("tag", help="find the entities of texts")
    add_text_options(command)
    command.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="; ".join(f"{name}: {one.summary}" for name, one in FORMATS.items())
        + "; default: table",
    )
    command.add_argument(
        "--collection",
        metavar="FOLDER",
        type=Path,
        help=f"with --format {_WITH_FOLDERS}: write a folder with files for each text, instead of "
        "one document to stdout",
    )
    add_rule_options(command)
    add_model_options(command)
    command.set_defaults(run=run, wrong_usage=command.error)


def run(options: argparse.Namespace) -> None:
    """Write the entities of all texts to stdout, as they are found."""
    output = FORMATS[options.format]
    if options.collection and not output.write_folder:
        options.wrong_usage(f"argument --collection: needs --format {_WITH_FOLDERS}")
    as_is = output.keeps_line_ends and not options.collection
    texts = options.text or read_lines(options.file, as_is=as_is)
    rules = rules_of(options)
    _check_format(options.format, Options(**rules))
    ner = load(options, **rules)
    # On one terminal, results would run into the progress line; there they are progress enough.
    if not options.text and (options.collection or not sys.stdout.isatty()):
        texts = progress(texts, "texts")
    if options.collection and output.write_folder:
        output.write_folder(ner, texts, options.collection)
        return
    for block in output.write(ner, texts):
        write(block)


def _check_format(name: str, asked: Options) -> None:
    """Refuse rules that a format cannot show, rather than write what was not asked for.

    Raises:
        MinnerError: the format has rules or offsets of its own, or tags instead of entities.
    """
    output, defaults = FORMATS[name], Options()
    refused = {rule for rule in output.refuses if getattr(asked, rule) != getattr(defaults, rule)}
    if asked.decoder in output.refuses_decoders:
        refused.add("decoder")
    for rule in sorted(refused):
        flag = rule.replace("_", "-")
        raise MinnerError(f"--{flag} needs another format: {name} {output.reason}")
