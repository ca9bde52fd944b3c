"""`minner eval`: score a model, or the tags in a file, on a CoNLL-format file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from minner.chunks import to_iob2
from minner.commands.common import (
    Commands,
    add_model_options,
    add_tag_rule_options,
    load,
    rules_of,
)
from minner.conll import Sentence, read_conll
from minner.decoders import VITERBI, scheme_written
from minner.errors import MinnerError, warn
from minner.progress import progress
from minner.schemes import are_bare, chunk_labels, scheme_of_corpus, with_prefixes
from minner.scoring.analysis import full_report
from minner.scoring.classification import seqeval_report
from minner.scoring.conlleval import card_report
from minner.scoring.counts import Corpus
from minner.scoring.numbers import full_numbers

FORMATS: dict[str, Callable[[Corpus, Corpus], str]] = {
    "card": card_report,
    "seqeval": seqeval_report,
    "seqeval-strict": lambda gold, guess: seqeval_report(gold, guess, scheme_of_corpus(gold)),
    "full": full_report,
    "json": lambda gold, guess: json.dumps(full_numbers(gold, guess), indent=2) + "\n",
}
"""Reports by the name that `--format` takes."""

_STRICT = ("seqeval-strict", "full")


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "eval", help="score a model, or the tags in a file, on a CoNLL-format file"
    )
    command.add_argument("file", metavar="FILE.conll", help="words first, tags in the last column")
    command.add_argument(
        "--guess", action="store_true", help="the last two columns are gold and guess; no model"
    )
    command.add_argument(
        "--format",
        choices=FORMATS,
        default="card",
        help="card: the two blocks of a Spark NLP model card, of which the second is conlleval's; "
        "seqeval, seqeval-strict: seqeval's report; full: all of these, intervals of F1, mistakes "
        "by kind, scores by sentence length; json: the numbers of full; default: card",
    )
    # A score needs tags alone; other decoders only read the same tags in other ways.
    add_tag_rule_options(command, ("conlleval", *VITERBI))
    add_model_options(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the scores to stdout."""
    sentences = list(read_conll(options.file, guess=options.guess))
    if not sentences:
        raise MinnerError(f"{options.file} holds no sentences")
    gold: list[Sequence[str]] = [sentence.tags for sentence in sentences]
    guess: list[Sequence[str]] = [sentence.guess for sentence in sentences]
    if not options.guess:
        gold = [to_iob2(tags) for tags in gold]
        ner = load(options, **rules_of(options))
        guess = _tag(ner, sentences, scheme_written(options.decoder, ner.labels))
        _compare_types(options.file, gold, ner.labels)
    if options.format in _STRICT:
        _compare_schemes(options.file, gold, guess)
    try:
        report = FORMATS[options.format](gold, guess)
    except MinnerError as error:
        raise MinnerError(f"{options.file}: {error}") from error
    sys.stdout.write(report)


def _tag(ner: Any, sentences: Sequence[Sentence], scheme: str | None) -> list[Sequence[str]]:
    """Run the model; what it says in IOB2 stays letter for letter, other schemes become IOB2."""
    words = (sentence.words for sentence in sentences)
    guess = list(progress(ner.pipe_tags(words), "sentences", len(sentences)))
    if scheme == "IOB2":
        return guess
    if are_bare(ner.labels):  # neighbours of one label are one phrase, as in `minner tag`
        guess = [with_prefixes(tags) for tags in guess]
    return [to_iob2(tags) for tags in guess]


def _compare_types(file: str, gold: Corpus, labels: Sequence[str]) -> None:
    """Warn where the names of the types make every score 0, such as PER here and PERSON there."""
    theirs = chunk_labels(sorted({tag for tags in gold for tag in tags}))
    ours = chunk_labels(labels)
    if theirs and not {*theirs} & {*ours}:
        warn(
            f"{file} has phrases of {', '.join(theirs)}, but the model knows only "
            f"{', '.join(ours)}; rename them in the file for scores that mean anything"
        )


def _compare_schemes(file: str, gold: Corpus, guess: Corpus) -> None:
    """Warn where strict scores would mostly count differences of notation."""
    theirs, ours = scheme_of_corpus(gold), scheme_of_corpus(guess)
    if theirs != ours:
        warn(
            f"{file}: the gold tags are {theirs}, the guesses look like {ours}, and a strict score "
            f"reads both as {theirs}"
        )
