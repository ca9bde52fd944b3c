"""`minner eval`: score a model, or the tags in a file, on a CoNLL-format file."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence

from minner.commands.common import (
    Commands,
    add_model_options,
    add_tag_rule_options,
    label_list,
    label_renames,
    load,
)
from minner.commands.files import check_not_output
from minner.commands.output import write
from minner.decoders import DECODERS
from minner.decoding.chunks import to_iob2
from minner.decoding.schemes import are_bare, chunk_labels, scheme_of_corpus
from minner.errors import MinnerError, warn
from minner.formats.json_text import json_text
from minner.progress import progress
from minner.scoring.analysis import full_report
from minner.scoring.classification import seqeval_report
from minner.scoring.conll import Column, Sentence, read_conll
from minner.scoring.conlleval import card_report
from minner.scoring.counts import Corpus
from minner.scoring.notation import (
    all_tags,
    keep_labels,
    listed,
    odd_tags,
    prefix_first,
    raw,
    rename_labels,
)
from minner.scoring.numbers import full_numbers

FORMATS: dict[str, Callable[[Corpus, Corpus], str]] = {
    "card": card_report,
    "seqeval": seqeval_report,
    "seqeval-strict": lambda gold, guess: seqeval_report(gold, guess, scheme_of_corpus(gold)),
    "full": full_report,
    "json": lambda gold, guess: json_text(full_numbers(gold, guess), indent=2),
}
"""Reports by the name that `--format` takes."""

_STRICT = ("seqeval-strict", "full")


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "eval", help="score a model, or the tags in a file, on a CoNLL-format file"
    )
    _add_file_options(command)
    command.add_argument(
        "--format",
        choices=FORMATS,
        default="card",
        help="card: the two tables of a Spark NLP model card, the second of which is conlleval's; "
        "seqeval, seqeval-strict: seqeval's report; full: all of these, intervals of F1, kinds of "
        "mistakes, scores by sentence length; json: the numbers of full; default: card",
    )
    # A score needs tags alone; other decoders only read the same tags in other ways.
    decoders = [name for name, decoder in DECODERS.items() if decoder.shows_in_tags]
    add_tag_rule_options(command, decoders)
    add_model_options(command)
    command.set_defaults(run=run, wrong_usage=command.error)


def _add_file_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file",
        metavar="FILE",
        help="a word per line: the word in the first column, its tag in the last",
    )
    command.add_argument(
        "--guess",
        action="store_true",
        help="score the last two columns, gold and guess, instead of a model",
    )
    command.add_argument(
        "--raw",
        action="store_true",
        help="with --guess: count every tagged word as a phrase, as conlleval -r does",
    )
    for what, things in (("gold", "gold tags"), ("word", "words")):
        command.add_argument(
            f"--{what}-column",
            type=_column,
            metavar="N",
            help=f"the column of {things}: its number, from 1, or from -1 at the end; or its name "
            "in CoNLL-U Plus",
        )
    command.add_argument(
        "--label-map",
        type=label_renames,
        default={},
        metavar="L=N,L=N",
        help="rename labels of the file and of the model, such as person=PER; to O: drop them",
    )
    command.add_argument(
        "--labels",
        type=label_list,
        metavar="L,L",
        help="score only these labels; names are those after --label-map",
    )


def _column(text: str) -> Column:
    try:
        return int(text)
    except ValueError:
        return text


def run(options: argparse.Namespace) -> None:
    """Write the scores to stdout."""
    if options.raw and not options.guess:
        options.wrong_usage("argument --raw: needs --guess")
    sentences = _read(options)
    gold = _of_file(options, [sentence.tags for sentence in sentences])
    if options.guess:
        guess = _of_file(options, [sentence.guess for sentence in sentences])
        types = chunk_labels(all_tags(guess))
    else:
        gold = [to_iob2(tags) for tags in gold]
        guess, types = _of_model(options, sentences)
        _compare_types(options.file, chunk_labels(all_tags(gold)), types)
    if options.labels is not None:
        _check_labels(options, {*chunk_labels(all_tags(gold)), *types})
        gold, guess = (keep_labels(corpus, options.labels) for corpus in (gold, guess))
    if options.format in _STRICT:
        _compare_schemes(options.file, gold, guess)
    try:
        report = FORMATS[options.format](gold, guess)
    except MinnerError as error:
        raise MinnerError(f"{options.file}: {error}") from error
    write(report)


def _read(options: argparse.Namespace) -> list[Sentence]:
    check_not_output(options.file)
    sentences = list(
        read_conll(
            options.file,
            guess=options.guess,
            word_column=options.word_column,
            gold_column=options.gold_column,
        )
    )
    if not sentences:
        raise MinnerError(f"{options.file} holds no sentences")
    if options.guess and not any(sentences[0].words):
        _check_two_columns(options.file, sentences)
    return sentences


def _check_two_columns(file: str, sentences: Iterable[Sentence]) -> None:
    """Refuse a file of words and tags, which would be scored as gold and guess.

    Raises:
        MinnerError: the gold tags, the first of two columns, have no prefixes and are no guesses.
    """
    gold, guess = ({tag for s in sentences for tag in s[i]} for i in (1, 2))
    if are_bare([*gold]) and not gold & guess:
        raise MinnerError(
            f"{file} has two columns, which --guess reads as gold and guess, but the first does "
            f"not hold tags: {listed(sorted(gold))}"
        )


def _of_file(options: argparse.Namespace, corpus: Corpus) -> Corpus:
    """A file's tags in the notation of all scores, under their new names."""
    if options.raw:
        return rename_labels(raw(corpus), options.label_map)
    tags = rename_labels(prefix_first(corpus, all_tags(corpus)), options.label_map)
    if odd := odd_tags(all_tags(tags)):
        warn(
            f"{options.file}: tags that are neither O nor like B-PER are in no phrase: "
            f"{listed(odd)}; --label-map TAG=O makes a tag O"
        )
    return tags


def _of_model(
    options: argparse.Namespace, sentences: Sequence[Sentence]
) -> tuple[Corpus, list[str]]:
    """What the model says of the sentences, and all labels that it knows, under their new names.

    What it says in IOB2 stays letter for letter, other schemes become IOB2.
    """
    ner = load(options, decoder=options.decoder, word_strategy=options.word_strategy)
    words = (sentence.words for sentence in sentences)
    guess: Corpus = list(progress(ner.pipe_tags(words), "sentences", len(sentences)))
    if DECODERS[options.decoder].scheme(ner.labels) != "IOB2":
        guess = [to_iob2(tags) for tags in prefix_first(guess, ner.labels)]
    guess, [labels] = (rename_labels(c, options.label_map) for c in (guess, [ner.labels]))
    return guess, chunk_labels(prefix_first([labels], labels)[0])


def _compare_types(file: str, theirs: Sequence[str], ours: Sequence[str]) -> None:
    """Warn where the names of the types make every score 0, such as PER here and PERSON there."""
    if theirs and not {*theirs} & {*ours}:
        warn(
            f"{file} has phrases of {listed(theirs)}, but the model knows only {listed(ours)}; "
            "rename them with --label-map, such as person=PER"
        )


def _check_labels(options: argparse.Namespace, known: Iterable[str]) -> None:
    """Refuse a misspelt label, which would leave out what was to be scored."""
    if not options.labels:
        raise MinnerError("--labels names no label")
    for label in options.labels:
        if label not in known:
            raise MinnerError(
                f"--labels: neither {options.file} nor the guesses have {label!r}; "
                f"there are: {listed(sorted(known))}"
            )


def _compare_schemes(file: str, gold: Corpus, guess: Corpus) -> None:
    """Warn where strict scores would mostly count differences of notation."""
    theirs, ours = scheme_of_corpus(gold), scheme_of_corpus(guess)
    if theirs != ours:
        warn(
            f"{file}: the gold tags are {theirs}, the guesses look like {ours}, and a strict score "
            f"reads both as {theirs}"
        )
