"""Beyond one number: intervals, kinds of mistakes and lengths as text, and the whole report."""

from __future__ import annotations

from collections.abc import Sequence

from minner.decoding.schemes import scheme_of_corpus
from minner.scoring.bootstrap import LEVEL, RESAMPLES, f1_intervals
from minner.scoring.classification import seqeval_report
from minner.scoring.conlleval import card_report
from minner.scoring.counts import Corpus, Phrases, count_phrases, read_phrases, total
from minner.scoring.lengths import by_length
from minner.scoring.mistakes import MISSED, PAIRED, SPURIOUS, Mistakes, count_mistakes


def full_report(gold: Corpus, guess: Corpus) -> str:
    """Format everything there is about a corpus of at least one sentence, under headings.

    Raises:
        MinnerError: a tag has a prefix that the scheme of the gold tags does not have.
    """
    phrases = read_phrases(gold, guess)
    mistakes = count_mistakes(phrases)
    scheme = scheme_of_corpus(gold)
    sections = {
        "tokens and phrases": card_report(gold, guess),
        "seqeval": seqeval_report(gold, guess),
        f"seqeval, strict, {scheme}": seqeval_report(gold, guess, scheme),
        f"F1 of phrases, {LEVEL:.0%} intervals": interval_report(phrases),
        "phrases by kind of mistake": mistake_report(mistakes),
        "gold labels, and what was found": confusion_report(mistakes),
        "phrases by words in the sentence": length_report(gold, phrases),
    }
    return "\n".join(f"== {name} ==\n\n{text}" for name, text in sections.items())


def interval_report(phrases: Sequence[Phrases]) -> str:
    """Format F1 in per cent with its bootstrap interval, over all labels and for each."""
    counts = count_phrases(phrases)
    intervals = f1_intervals(phrases)
    rows = [["", "F1", "from", "to"]]
    for label, ours, interval in [
        *((label, counts[label], interval) for label, interval in intervals.labels.items()),
        ("all", total(counts), intervals.overall),
    ]:
        rows.append([label, *(f"{100 * x:.2f}" for x in (ours.scores().f1, *interval))])
    return _columns(rows) + f"\n{RESAMPLES} resamples of {len(phrases)} sentences\n"


def mistake_report(mistakes: Mistakes) -> str:
    """Format the kinds of mistakes, a row per label."""
    kinds = (*PAIRED, MISSED, SPURIOUS)
    labels = sorted({label for _, label in mistakes.kinds})
    rows = [["", *kinds]]
    rows += [[label, *(str(mistakes.kinds[kind, label]) for kind in kinds)] for label in labels]
    sums = [sum(mistakes.kinds[kind, label] for label in labels) for kind in kinds]
    rows.append(["all", *map(str, sums)])
    return _columns(rows)


def confusion_report(mistakes: Mistakes) -> str:
    """Format a row per gold label with the labels found; boundaries may be wrong."""
    labels = sorted({label for pair in mistakes.pairs for label in pair if label is not None})
    rows = [["gold", *labels, MISSED]]
    for wanted in labels:
        rows.append([wanted, *(str(mistakes.pairs[wanted, got]) for got in [*labels, None])])
    rows.append([SPURIOUS, *(str(mistakes.pairs[None, got]) for got in labels), ""])
    return _columns(rows)


def length_report(gold: Corpus, phrases: Sequence[Phrases]) -> str:
    """Format the scores of short to long sentences, in per cent."""
    rows = [["words", "sentences", "gold", "found", "correct", "precision", "recall", "F1"]]
    for shortest, longest, sentences, counts in by_length(gold, phrases):
        words = f"{shortest}-{longest}" if longest else f"{shortest}-"
        scores = (f"{100 * score:.2f}" for score in counts.scores())
        rows.append([words, *map(str, (sentences, *counts)), *scores])
    return _columns(rows)


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Align every column to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(line.rstrip() + "\n" for line in lines)
