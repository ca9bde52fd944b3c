"""The tables of scikit-learn and seqeval: a row per name, then averages over the names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from minner.decoders.strict import strict_chunks
from minner.decoding.chunks import BRACKETS, Chunk, conlleval_chunks
from minner.decoding.schemes import SCHEMES
from minner.errors import MinnerError
from minner.scoring.counts import (
    Corpus,
    Counts,
    Scores,
    average,
    count_phrases,
    count_tags,
    ratio,
    read_phrases,
    total,
)


class Row(NamedTuple):
    """The scores of one name or of one average, and over how many gold items."""

    scores: Scores
    support: int


class Table(NamedTuple):
    """Rows by name, and the averages by name."""

    names: dict[str, Row]
    averages: dict[str, Row]


# --- scikit-learn's, over tags ------------------------------------------------------------------


def token_report(gold: Corpus, guess: Corpus) -> str:
    """Format the scores of every tag, ``O`` included, as scikit-learn does with two digits.

    One row per tag, sorted by name, then the accuracy and the two averages. Without a single word,
    where scikit-learn refuses, they are 0.
    """
    tags = count_tags(gold, guess)
    table = token_table(tags)
    words = total(tags)
    accuracy = f"{ratio(words.correct, words.gold):.2f}"
    return _format(table, digits=2, first=("accuracy", "", "", accuracy, str(words.gold)))


def token_table(tags: Mapping[str, Counts]) -> Table:
    """Compute the scores of each tag, and scikit-learn's two averages."""
    return _table(tags, {tag: counts.scores() for tag, counts in tags.items()})


# --- seqeval's, over phrases --------------------------------------------------------------------


def seqeval_report(gold: Corpus, guess: Corpus, scheme: str | None = None) -> str:
    """Format the scores of the phrases as seqeval's ``classification_report(digits=4)`` does.

    Without a single phrase, where seqeval fails, the averages are 0.

    Args:
        gold: the gold tags.
        guess: the guessed tags.
        scheme: read the tags strictly, by one that `strict_chunks` takes, as ``mode="strict"``
            does; without it any tags are read, by conlleval's rule.

    Raises:
        MinnerError: a tag has a prefix that `scheme` does not have.
    """
    return _format(seqeval_table(gold, guess, scheme), digits=4)


def seqeval_table(gold: Corpus, guess: Corpus, scheme: str | None = None) -> Table:
    """Compute the scores of each label, and seqeval's three averages.

    The arguments are those of `seqeval_report`. A phrase without a label is called ``_``. Unlike
    seqeval's default mode, which knows no BILOU, ours reads ``L`` and ``U`` as ``E`` and ``S``.
    """
    rule = partial(_strict_chunks, scheme=scheme) if scheme else conlleval_chunks
    phrases = count_phrases(read_phrases(gold, guess, rule))
    names = dict(sorted((label or "_", counts) for label, counts in phrases.items()))
    table = _table(names, {label: _harmonic(counts) for label, counts in names.items()})
    together = total(names)
    micro = {"micro avg": Row(_harmonic(together), together.gold)}
    return Table(table.names, micro | table.averages)


def _strict_chunks(tags: Sequence[str], scheme: str) -> list[Chunk]:
    """Read tags that must all be of the scheme: others would count as nothing, and score 0.

    No scheme has conlleval's brackets: a sentence with some is read by its rule.
    """
    if any(tag.partition("-")[0] in BRACKETS for tag in tags):
        return conlleval_chunks(tags)
    prefixes = {"O", *SCHEMES[scheme]}
    for tag in tags:
        if tag.partition("-")[0] not in prefixes:
            raise MinnerError(
                f"the tag {tag!r} is not of the scheme {scheme}, by which the gold tags are read "
                f"strictly; write gold and guess in one scheme"
            )
    return strict_chunks(tags, scheme)


def _harmonic(counts: Counts) -> Scores:
    """Compute F1 in seqeval's order of operations, which can differ in the last bit."""
    precision, recall, _ = counts.scores()
    return Scores(precision, recall, ratio(2 * precision * recall, precision + recall))


# --- both ---------------------------------------------------------------------------------------


def _table(names: Mapping[str, Counts], scores: Mapping[str, Scores]) -> Table:
    """Add the averages that both have: a name counts once, or as often as in the gold."""
    rows = {name: Row(scores[name], counts.gold) for name, counts in names.items()}
    supports = [row.support for row in rows.values()]
    values = list(scores.values())
    averages = {
        "macro avg": Row(average(values, [1] * len(values)), sum(supports)),
        "weighted avg": Row(average(values, supports), sum(supports)),
    }
    return Table(rows, averages)


def _format(table: Table, digits: int, first: tuple[str, ...] | None = None) -> str:
    """Format a table; `first` holds the cells of a line before the averages."""
    width = max(map(len, [*table.names, "weighted avg"]))

    def line(name: str, *cells: str) -> str:
        return f"{name:>{width}} " + "".join(f" {cell:>9}" for cell in cells)

    def row(name: str, row: Row) -> str:
        return line(name, *(f"{score:.{digits}f}" for score in row.scores), str(row.support))

    lines = [
        line("", "precision", "recall", "f1-score", "support"),
        "",
        *(row(name, numbers) for name, numbers in table.names.items()),
        "",
        *([line(*first)] if first else []),
        *(row(name, numbers) for name, numbers in table.averages.items()),
    ]
    return "\n".join(lines) + "\n"
