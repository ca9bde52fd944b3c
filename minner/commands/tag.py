"""`minner tag`: find the entities of texts."""

from __future__ import annotations

import argparse
import sys
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
from minner.formats import FORMATS
from minner.options import Options
from minner.progress import progress
from minner.weights.errors import MinnerError


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("tag", help="find the entities of texts")
    add_text_options(command)
    command.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    add_rule_options(command)
    add_model_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the entities of all texts to stdout, as they are found."""
    texts = options.text or read_lines(options.file)
    rules = rules_of(options)
    _check_format(options.format, rules)
    ner = load(options, **rules)
    # On one terminal, results would run into the progress line; there they are progress enough.
    if not options.text and not sys.stdout.isatty():
        texts = progress(texts, "texts")
    for block in FORMATS[options.format](ner, texts):
        sys.stdout.write(block)


def _check_format(name: str, rules: dict[str, Any]) -> None:
    """Refuse rules that a format cannot show, rather than write what was not asked for.

    Raises:
        MinnerError: the format has offsets of its own, or tags instead of entities.
    """
    refused = set() if name in ("table", "jsonl") else {"offsets", "inclusive_ends"}
    reason = f"--format {name} has offsets of its own"
    if name == "conll":
        refused |= {"labels", "ignore_labels", "min_score"}
        reason = "--format conll writes the tag of every word, which has no offsets and no choice"
        if rules["decoder"] in STRICT:
            refused.add("decoder")
    asked, defaults = Options(**rules), Options()
    for rule in sorted(refused):
        if getattr(asked, rule) != getattr(defaults, rule):
            flag = rule.replace("_", "-")
            raise MinnerError(f"--{flag} needs another format: {reason}")
