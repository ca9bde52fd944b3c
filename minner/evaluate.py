"""Scores: guessed tags against gold tags, as the two reference scorers print them.

The token report compares the tags of single words (scikit-learn's ``classification_report``); the
phrase report compares chunks (``conlleval.pl``). Both rest on three counts for each name, a tag
there and a chunk label here: how many are in the gold, how many were found, how many of those are
correct.

    precision = correct / found      recall = correct / gold      F1 = 2 correct / (gold + found)

A score with nothing to divide by is 0, as both references print it.

Everywhere ``gold`` and ``guess`` hold one tag sequence per sentence, parallel to each other. Tags
are compared letter for letter: against a model, which writes IOB2, first bring the gold to IOB2
(`minner.chunks.to_iob2`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minner.chunks import conlleval_chunks

Corpus = Sequence[Sequence[str]]


class Scores(NamedTuple):
    """Precision, recall and F1, from 0 to 1."""

    precision: float
    recall: float
    f1: float


class Counts(NamedTuple):
    """How many of one name are in the gold, were found, and were found correctly."""

    gold: int
    found: int
    correct: int

    def scores(self) -> Scores:
        """Return the three fractions that follow from the counts."""
        return Scores(
            precision=_ratio(self.correct, self.found),
            recall=_ratio(self.correct, self.gold),
            f1=_ratio(2 * self.correct, self.gold + self.found),
        )


# --- the reports --------------------------------------------------------------------------------


def card_report(gold: Corpus, guess: Corpus) -> str:
    """Format both blocks of the Spark NLP card: tokens, then phrases with the non-O accuracy."""
    return token_report(gold, guess) + "\n" + conlleval_report(gold, guess, non_o_accuracy=True)


def token_report(gold: Corpus, guess: Corpus) -> str:
    """Format the scores of every tag, ``O`` included, as scikit-learn does with two digits.

    One row per tag, sorted by name, then the accuracy and the two averages. Without a single word,
    where scikit-learn refuses, they are 0.
    """
    tags = count_tags(gold, guess)
    words = _total(tags)
    width = max(map(len, [*tags, "weighted avg"]))

    def line(name: str, *cells: str) -> str:
        return f"{name:>{width}} " + "".join(f" {cell:>9}" for cell in cells)

    def row(name: str, scores: Scores, support: int) -> str:
        return line(name, *(f"{score:.2f}" for score in scores), str(support))

    lines = [
        line("", "precision", "recall", "f1-score", "support"),
        "",
        *(row(tag, counts.scores(), counts.gold) for tag, counts in tags.items()),
        "",
        line("accuracy", "", "", f"{_ratio(words.correct, words.gold):.2f}", str(words.gold)),
        row("macro avg", _macro_average(tags), words.gold),
        row("weighted avg", _weighted_average(tags), words.gold),
    ]
    return "\n".join(lines) + "\n"


def conlleval_report(gold: Corpus, guess: Corpus, *, non_o_accuracy: bool = False) -> str:
    """Format the scores of the chunks, over all labels and for each, as ``conlleval.pl`` does.

    The number that ends a label's row is how many chunks of it were found.

    Args:
        gold: the gold tags.
        guess: the guessed tags.
        non_o_accuracy: add a line before the accuracy, as the Python port by sighsmile does: the
            accuracy over the words whose gold tag is not ``O``. (The port fails without such
            words; here the line says 0.)
    """
    tags, phrases = count_tags(gold, guess), count_phrases(gold, guess)
    words, inside, total = _total(tags), _total(_without_o(tags)), _total(phrases)

    lines = [
        f"processed {words.gold} tokens with {total.gold} phrases; "
        f"found: {total.found} phrases; correct: {total.correct}."
    ]
    if words.gold:
        if non_o_accuracy:
            lines.append(f"accuracy: {_percent(inside.correct, inside.gold):6.2f}%; (non-O)")
        accuracy = _percent(words.correct, words.gold)
        lines.append(f"accuracy: {accuracy:6.2f}%; {_conlleval_scores(total)}")
    for label, counts in phrases.items():
        lines.append(f"{label:>17}: {_conlleval_scores(counts)}  {counts.found}")
    return "\n".join(lines) + "\n"


def card_numbers(gold: Corpus, guess: Corpus) -> dict[str, Any]:
    """Return the numbers of `card_report` for JSON; scores are fractions, not rounded."""
    tags, phrases = count_tags(gold, guess), count_phrases(gold, guess)
    words, inside = _total(tags), _total(_without_o(tags))
    return {
        "tokens": {
            "count": words.gold,
            "accuracy": _ratio(words.correct, words.gold),
            "accuracy_non_o": _ratio(inside.correct, inside.gold),
            "macro_avg": _macro_average(tags)._asdict(),
            "weighted_avg": _weighted_average(tags)._asdict(),
            "tags": {tag: _numbers(counts) for tag, counts in tags.items()},
        },
        "phrases": {
            **_numbers(_total(phrases)),
            "labels": {label: _numbers(counts) for label, counts in phrases.items()},
        },
    }


def _numbers(counts: Counts) -> dict[str, float]:
    return {**counts.scores()._asdict(), **counts._asdict()}


def _conlleval_scores(counts: Counts) -> str:
    """Format precision, recall and FB1 in per cent, computed in the script's order of operations.

    In exact arithmetic this is `Counts.scores` times 100. In floating point it can differ in the
    last bit, and so, near a half, in the last digit printed.
    """
    precision = _percent(counts.correct, counts.found)
    recall = _percent(counts.correct, counts.gold)
    f1 = _ratio(2 * precision * recall, precision + recall)
    return f"precision: {precision:6.2f}%; recall: {recall:6.2f}%; FB1: {f1:6.2f}"


# --- the counts ---------------------------------------------------------------------------------


def count_tags(gold: Corpus, guess: Corpus) -> dict[str, Counts]:
    """Count the words of each tag; correct where gold and guess are the same tag."""
    in_gold: Counter[str] = Counter()
    found: Counter[str] = Counter()
    correct: Counter[str] = Counter()
    for gold_tags, guess_tags in zip(gold, guess, strict=True):
        in_gold.update(gold_tags)
        found.update(guess_tags)
        correct.update(a for a, b in zip(gold_tags, guess_tags, strict=True) if a == b)
    return _by_name(in_gold, found, correct)


def count_phrases(gold: Corpus, guess: Corpus) -> dict[str, Counts]:
    """Count the chunks of each label; correct where label, first word and last word agree."""
    in_gold: Counter[str] = Counter()
    found: Counter[str] = Counter()
    correct: Counter[str] = Counter()
    for gold_tags, guess_tags in zip(gold, guess, strict=True):
        gold_chunks, guess_chunks = conlleval_chunks(gold_tags), conlleval_chunks(guess_tags)
        in_gold.update(chunk.label for chunk in gold_chunks)
        found.update(chunk.label for chunk in guess_chunks)
        correct.update(chunk.label for chunk in set(gold_chunks) & set(guess_chunks))
    return _by_name(in_gold, found, correct)


def _by_name(gold: Counter[str], found: Counter[str], correct: Counter[str]) -> dict[str, Counts]:
    """Join the counts of every name that either side has, sorted by name."""
    names = sorted(gold.keys() | found.keys())
    return {name: Counts(gold[name], found[name], correct[name]) for name in names}


def _without_o(tags: Mapping[str, Counts]) -> dict[str, Counts]:
    return {tag: counts for tag, counts in tags.items() if tag != "O"}


def _total(names: Mapping[str, Counts]) -> Counts:
    return Counts(
        gold=sum(counts.gold for counts in names.values()),
        found=sum(counts.found for counts in names.values()),
        correct=sum(counts.correct for counts in names.values()),
    )


# --- the arithmetic -----------------------------------------------------------------------------


def _macro_average(names: Mapping[str, Counts]) -> Scores:
    """Average the scores of the names, each with the same weight."""
    return _average(names, [1] * len(names))


def _weighted_average(names: Mapping[str, Counts]) -> Scores:
    """Average the scores of the names, each weighted by its count in the gold."""
    return _average(names, [counts.gold for counts in names.values()])


def _average(names: Mapping[str, Counts], weights: Sequence[int]) -> Scores:
    """Average each of the three scores over the names."""
    if not names:
        return Scores(0.0, 0.0, 0.0)
    precisions, recalls, f1s = zip(*(counts.scores() for counts in names.values()), strict=True)
    # NumPy's average sums in the same order as scikit-learn, which calls it: the same bits.
    return Scores(*(float(np.average(s, weights=weights)) for s in (precisions, recalls, f1s)))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _percent(part: int, whole: int) -> float:
    return _ratio(100 * part, whole)
