"""`minner tag`: find the entities of texts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from minner.commands.common import (
    Commands,
    add_model_options,
    add_rule_options,
    add_text_options,
    load,
    read_lines,
    rules_of,
)
from minner.decoders import STRICT
from minner.errors import MinnerError
from minner.formats import FORMATS
from minner.formats.brat import write_collection
from minner.options import OPTION_NAMES, Options
from minner.progress import progress


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("tag", help="find the entities of texts")
    add_text_options(command)
    command.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="jsonl-words: with every word, the probabilities of all labels for it, and whether "
        "the text was cut; sparknlp: JSON lines of annotations, by the rules of Spark NLP; "
        "default: table",
    )
    command.add_argument(
        "--collection",
        metavar="FOLDER",
        type=Path,
        help="with --format brat: write a .txt and an .ann file per text here, instead of one "
        ".ann file for all lines to stdout",
    )
    add_rule_options(command)
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
    rules = rules_of(options)
    _check_format(options.format, rules)
    ner = load(options, **rules)
    # On one terminal, results would run into the progress line; there they are progress enough.
    if not options.text and (options.collection or not sys.stdout.isatty()):
        texts = progress(texts, "texts")
    if options.collection:
        write_collection(ner, texts, options.collection)
        return
    for block in FORMATS[options.format](ner, texts):
        sys.stdout.write(block)


def _check_format(name: str, rules: dict[str, Any]) -> None:
    """Refuse rules that a format cannot show, rather than write what was not asked for.

    Raises:
        MinnerError: the format has rules or offsets of its own, or tags instead of entities.
    """
    refused = set() if name in ("table", "jsonl", "jsonl-words") else {"offsets", "inclusive_ends"}
    reason = f"--format {name} has offsets of its own"
    if name == "conll":
        refused |= {"labels", "ignore_labels", "label_map", "min_score"}
        reason = "--format conll writes the tag of every word, which has no offsets and no choice"
        if rules["decoder"] in STRICT:
            refused.add("decoder")
    if name == "sparknlp":
        refused, reason = {*OPTION_NAMES}, "--format sparknlp has rules of its own"
    asked, defaults = Options(**rules), Options()
    for rule in sorted(refused):
        if getattr(asked, rule) != getattr(defaults, rule):
            flag = rule.replace("_", "-")
            raise MinnerError(f"--{flag} needs another format: {reason}")
