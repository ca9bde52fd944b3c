"""`minner eval`: score a model on a CoNLL-format file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from minner.chunks import to_iob2
from minner.commands.common import Commands, add_model_options, load
from minner.conll import read_conll
from minner.evaluate import card_numbers, card_report
from minner.progress import progress
from minner.weights.errors import MinnerError


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser("eval", help="score a model on a CoNLL-format file")
    command.add_argument("file", metavar="FILE.conll", help="words first, tags in the last column")
    command.add_argument(
        "--guess", action="store_true", help="the last two columns are gold and guess; no model"
    )
    command.add_argument("--format", choices=("card", "json"), default="card")
    add_model_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the scores to stdout."""
    sentences = list(read_conll(options.file, guess=options.guess))
    if not sentences:
        raise MinnerError(f"{options.file} holds no sentences")
    if options.guess:
        gold: list[Sequence[str]] = [sentence.tags for sentence in sentences]
        guess: list[Sequence[str]] = [sentence.guess for sentence in sentences]
    else:
        gold = [to_iob2(sentence.tags) for sentence in sentences]
        words = (sentence.words for sentence in sentences)
        tags = load(options).pipe_tags(words)
        guess = list(progress(tags, "sentences", len(sentences)))
    if options.format == "json":
        print(json.dumps(card_numbers(gold, guess), indent=2))
    else:
        sys.stdout.write(card_report(gold, guess))
