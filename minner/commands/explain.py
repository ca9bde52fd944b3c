"""`minner explain`: a page that shows how the model reads a text."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from minner.commands.common import Commands, add_model_options, load
from minner.commands.output import write, write_file


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "explain", help="make a page that shows how the model reads a text, step by step"
    )
    command.add_argument("text", metavar="TEXT")
    command.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="the file to write; default: stdout"
    )
    command.add_argument("--format", choices=("html", "json"), default="html", help="default: html")
    command.add_argument(
        "--window",
        type=int,
        default=0,
        metavar="N",
        help="of a long text, the window to show, counted from 0; default: 0",
    )
    add_model_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Explain one text."""
    # Imported here: most runs of the command line explain nothing.
    from minner.explain.page import page

    found = load(options).explain(options.text, window=options.window)
    content = page(found) if options.format == "html" else json.dumps(found, default=_listed)
    if options.output is None:
        write(content)
    else:
        write_file(options.output, content)


def _listed(array: Any) -> Any:
    return array.tolist()
