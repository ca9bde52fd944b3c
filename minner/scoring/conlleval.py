"""The report of ``conlleval.pl``, and the two blocks that a Spark NLP model card shows."""

from __future__ import annotations

from minner.scoring.classification import token_report
from minner.scoring.counts import (
    Corpus,
    Counts,
    count_phrases,
    count_tags,
    ratio,
    read_phrases,
    total,
    without_o,
)


def card_report(gold: Corpus, guess: Corpus) -> str:
    """Format both blocks of the Spark NLP card: tokens, then phrases with the non-O accuracy."""
    return token_report(gold, guess) + "\n" + conlleval_report(gold, guess, non_o_accuracy=True)


def conlleval_report(gold: Corpus, guess: Corpus, *, non_o_accuracy: bool = False) -> str:
    """Format the scores of the phrases, over all labels and for each, as ``conlleval.pl`` does.

    The number that ends a label's row is how many phrases of it were found.

    Args:
        gold: the gold tags.
        guess: the guessed tags.
        non_o_accuracy: add a line before the accuracy, as the Python port by sighsmile does: the
            accuracy over the words whose gold tag is not ``O``. (The port fails without such
            words; here the line says 0.)
    """
    tags, phrases = count_tags(gold, guess), count_phrases(read_phrases(gold, guess))
    words, inside, together = total(tags), total(without_o(tags)), total(phrases)

    lines = [
        f"processed {words.gold} tokens with {together.gold} phrases; "
        f"found: {together.found} phrases; correct: {together.correct}."
    ]
    if words.gold:
        if non_o_accuracy:
            lines.append(f"accuracy: {_percent(inside.correct, inside.gold):6.2f}%; (non-O)")
        accuracy = _percent(words.correct, words.gold)
        lines.append(f"accuracy: {accuracy:6.2f}%; {_scores(together)}")
    for label, counts in phrases.items():
        lines.append(f"{label:>17}: {_scores(counts)}  {counts.found}")
    return "\n".join(lines) + "\n"


def _scores(counts: Counts) -> str:
    """Format precision, recall and FB1 in per cent, computed in the script's order of operations.

    In exact arithmetic this is `Counts.scores` times 100. In floating point it can differ in the
    last bit, and so, near a half, in the last digit printed.
    """
    precision = _percent(counts.correct, counts.found)
    recall = _percent(counts.correct, counts.gold)
    f1 = ratio(2 * precision * recall, precision + recall)
    return f"precision: {precision:6.2f}%; recall: {recall:6.2f}%; FB1: {f1:6.2f}"


def _percent(part: int, whole: int) -> float:
    return ratio(100 * part, whole)
