"""Every score for JSON: fractions from 0 to 1, not rounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minner.decoding.schemes import scheme_of_corpus
from minner.scoring.bootstrap import LEVEL, RESAMPLES, SEED, f1_intervals
from minner.scoring.classification import Row, Table, seqeval_table, token_table
from minner.scoring.counts import (
    Corpus,
    Counts,
    Phrases,
    count_phrases,
    count_tags,
    ratio,
    read_phrases,
    total,
    without_o,
)
from minner.scoring.lengths import by_length
from minner.scoring.mistakes import MISSED, PAIRED, SPURIOUS, Mistakes, count_mistakes


def card_numbers(gold: Corpus, guess: Corpus) -> dict[str, Any]:
    """Return the numbers of `minner.scoring.conlleval.card_report`."""
    tags, phrases = count_tags(gold, guess), count_phrases(read_phrases(gold, guess))
    words, inside = total(tags), total(without_o(tags))
    averages = token_table(tags).averages
    return {
        "tokens": {
            "count": words.gold,
            "accuracy": ratio(words.correct, words.gold),
            "accuracy_non_o": ratio(inside.correct, inside.gold),
            "macro_avg": averages["macro avg"].scores._asdict(),
            "weighted_avg": averages["weighted avg"].scores._asdict(),
            "tags": {tag: _numbers(counts) for tag, counts in tags.items()},
        },
        "phrases": {
            **_numbers(total(phrases)),
            "labels": {label: _numbers(counts) for label, counts in phrases.items()},
        },
    }


def full_numbers(gold: Corpus, guess: Corpus) -> dict[str, Any]:
    """Return the numbers of `minner.scoring.analysis.full_report`.

    Raises:
        MinnerError: a tag has a prefix that the scheme of the gold tags does not have.
    """
    phrases = read_phrases(gold, guess)
    scheme = scheme_of_corpus(gold)
    strict = _seqeval(seqeval_table(gold, guess, scheme))
    return {
        **card_numbers(gold, guess),
        "seqeval": _seqeval(seqeval_table(gold, guess)),
        "seqeval_strict": {"scheme": scheme, "guess_scheme": scheme_of_corpus(guess), **strict},
        "f1_intervals": _intervals(phrases),
        "mistakes": _mistakes(count_mistakes(phrases)),
        "lengths": [
            {
                "shortest": shortest,
                "longest": longest,
                "sentences": sentences,
                **_numbers(counts),
            }
            for shortest, longest, sentences, counts in by_length(gold, phrases)
        ],
    }


def _numbers(counts: Counts) -> dict[str, float]:
    return {**counts.scores()._asdict(), **counts._asdict()}


def _seqeval(table: Table) -> dict[str, Any]:
    def row(row: Row) -> dict[str, float]:
        return {**row.scores._asdict(), "support": row.support}

    averages = {name.replace(" ", "_"): row(found) for name, found in table.averages.items()}
    return {**averages, "labels": {name: row(found) for name, found in table.names.items()}}


def _intervals(phrases: Sequence[Phrases]) -> dict[str, Any]:
    overall, labels = f1_intervals(phrases)
    return {
        "level": LEVEL,
        "resamples": RESAMPLES,
        "seed": SEED,
        **overall._asdict(),
        "labels": {label: interval._asdict() for label, interval in labels.items()},
    }


def _mistakes(mistakes: Mistakes) -> dict[str, Any]:
    """Count by kind and label, and by gold label and found label; zeros are left out."""
    kinds: dict[str, dict[str, int]] = {kind: {} for kind in (*PAIRED, MISSED, SPURIOUS)}
    for (kind, label), count in sorted(mistakes.kinds.items()):
        kinds[kind][label] = count
    pairs: dict[str, dict[str, int]] = {}
    for (wanted, got), count in mistakes.pairs.items():
        gold = SPURIOUS if wanted is None else wanted
        pairs.setdefault(gold, {})[MISSED if got is None else got] = count
    return {"kinds": kinds, "found_by_gold": pairs}
