"""Scores: letter for letter what conlleval.pl and scikit-learn print."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from minner.scoring.classification import token_report
from minner.scoring.conll import read_conll
from minner.scoring.conlleval import card_report, conlleval_report
from minner.scoring.counts import Corpus, Counts, count_phrases, read_phrases
from minner.scoring.numbers import card_numbers

SHARED = Path(__file__).parents[2] / "shared" / "data" / "conlleval"

# One PER right; one LOC right and one cut short; one MISC found that is none.
GOLD = [["B-PER", "I-PER", "O", "B-LOC", "O", "O"], ["O", "B-LOC", "I-LOC", "O"]]
GUESS = [["B-PER", "I-PER", "O", "B-LOC", "B-MISC", "O"], ["O", "B-LOC", "O", "O"]]

TOKEN_BLOCK = """\
              precision    recall  f1-score   support

       B-LOC       1.00      1.00      1.00         2
      B-MISC       0.00      0.00      0.00         0
       B-PER       1.00      1.00      1.00         1
       I-LOC       0.00      0.00      0.00         1
       I-PER       1.00      1.00      1.00         1
           O       0.80      0.80      0.80         5

    accuracy                           0.80        10
   macro avg       0.63      0.63      0.63        10
weighted avg       0.80      0.80      0.80        10
"""

PHRASE_BLOCK = """\
processed 10 tokens with 3 phrases; found: 4 phrases; correct: 2.
accuracy:  80.00%; (non-O)
accuracy:  80.00%; precision:  50.00%; recall:  66.67%; FB1:  57.14
              LOC: precision:  50.00%; recall:  50.00%; FB1:  50.00  2
             MISC: precision:   0.00%; recall:   0.00%; FB1:   0.00  1
              PER: precision: 100.00%; recall: 100.00%; FB1: 100.00  1
"""


def test_card_is_both_blocks() -> None:
    assert card_report(GOLD, GUESS) == TOKEN_BLOCK + "\n" + PHRASE_BLOCK


def test_conlleval_itself_has_no_non_o_line() -> None:
    lines = PHRASE_BLOCK.splitlines(keepends=True)
    assert conlleval_report(GOLD, GUESS) == "".join(lines[:1] + lines[2:])


@pytest.mark.parametrize(
    ("report", "expected"),
    [(conlleval_report, "conlleval.txt"), (token_report, "token-report.txt")],
)
def test_wikigold_as_the_reference_scorers_print_it(
    report: Callable[[Corpus, Corpus], str], expected: str
) -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not here")
    sentences = list(read_conll(SHARED / "wikigold-noisy.txt", guess=True))
    gold = [sentence.tags for sentence in sentences]
    guess = [sentence.guess for sentence in sentences]
    assert report(gold, guess) == (SHARED / expected).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("gold", "guess", "expected"),
    [
        (
            "O O",
            "O O",
            """\
            processed 2 tokens with 0 phrases; found: 0 phrases; correct: 0.
            accuracy:   0.00%; (non-O)
            accuracy: 100.00%; precision:   0.00%; recall:   0.00%; FB1:   0.00
            """,
        ),
        (
            "B-PER O",
            "O O",
            """\
            processed 2 tokens with 1 phrases; found: 0 phrases; correct: 0.
            accuracy:   0.00%; (non-O)
            accuracy:  50.00%; precision:   0.00%; recall:   0.00%; FB1:   0.00
                          PER: precision:   0.00%; recall:   0.00%; FB1:   0.00  0
            """,
        ),
        (
            "O O",
            "B-PER O",
            """\
            processed 2 tokens with 0 phrases; found: 1 phrases; correct: 0.
            accuracy:   0.00%; (non-O)
            accuracy:  50.00%; precision:   0.00%; recall:   0.00%; FB1:   0.00
                          PER: precision:   0.00%; recall:   0.00%; FB1:   0.00  1
            """,
        ),
        (
            "B-work-of-art I-work-of-art B-a-name-beyond-17-letters",
            "B-work-of-art I-work-of-art B-work-of",
            """\
            processed 3 tokens with 2 phrases; found: 2 phrases; correct: 1.
            accuracy:  66.67%; (non-O)
            accuracy:  66.67%; precision:  50.00%; recall:  50.00%; FB1:  50.00
            a-name-beyond-17-letters: precision:   0.00%; recall:   0.00%; FB1:   0.00  0
                      work-of: precision:   0.00%; recall:   0.00%; FB1:   0.00  1
                  work-of-art: precision: 100.00%; recall: 100.00%; FB1: 100.00  1
            """,
        ),
        (
            "I-PER B-PER O",
            "B-PER B-PER O",
            """\
            processed 3 tokens with 2 phrases; found: 2 phrases; correct: 2.
            accuracy:  50.00%; (non-O)
            accuracy:  66.67%; precision: 100.00%; recall: 100.00%; FB1: 100.00
                          PER: precision: 100.00%; recall: 100.00%; FB1: 100.00  2
            """,
        ),
    ],
    ids=["only O", "nothing found", "only in the guess", "hyphens", "IOB1"],
)
def test_conlleval_edge_cases(gold: str, guess: str, expected: str) -> None:
    report = conlleval_report([gold.split()], [guess.split()], non_o_accuracy=True)
    assert report == dedent(expected)


def test_chunks_do_not_cross_sentences() -> None:
    sentences = [["B-PER"], ["I-PER"]]
    assert count_phrases(read_phrases(sentences, sentences)) == {
        "PER": Counts(gold=2, found=2, correct=2)
    }


def test_no_words_at_all() -> None:
    line = "processed 0 tokens with 0 phrases; found: 0 phrases; correct: 0.\n"
    assert conlleval_report([], [], non_o_accuracy=True) == line
    assert token_report([], []).splitlines()[3:] == [
        "    accuracy                           0.00         0",
        "   macro avg       0.00      0.00      0.00         0",
        "weighted avg       0.00      0.00      0.00         0",
    ]


def test_numbers_are_the_card_in_json() -> None:
    numbers = json.loads(json.dumps(card_numbers(GOLD, GUESS)))
    tokens, phrases = numbers["tokens"], numbers["phrases"]
    assert (tokens["count"], tokens["accuracy"], tokens["accuracy_non_o"]) == (10, 0.8, 0.8)
    assert tokens["macro_avg"]["f1"] == pytest.approx(3.8 / 6)
    assert tokens["weighted_avg"]["recall"] == pytest.approx(0.8)
    assert tokens["tags"]["O"] == {
        "precision": 0.8,
        "recall": 0.8,
        "f1": 0.8,
        "gold": 5,
        "found": 5,
        "correct": 4,
    }
    assert phrases["f1"] == pytest.approx(4 / 7)
    assert (phrases["gold"], phrases["found"], phrases["correct"]) == (3, 4, 2)
    assert phrases["labels"]["MISC"]["found"] == 1


def test_sentences_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        card_report([["O"]], [["O", "O"]])


LABELS = [
    ["PER"],
    ["PER", "LOC", "ORG", "MISC"],
    ["a", "work-of-art", "eighteen-letters-x", "Ω"],
    ["X" * 30, "Y" * 11, "Z"],
]


@pytest.mark.parametrize("labels", LABELS, ids=len)
@pytest.mark.parametrize("words", [1, 7, 100, 3000, 150_000])
def test_token_report_equals_scikit_learn(labels: list[str], words: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = random.Random(words)
    tags = ["O", *(f"{prefix}-{label}" for label in labels for prefix in "BI")]
    gold = rng.choices(tags, weights=[20, *[1] * (len(tags) - 1)], k=words)
    guess = [rng.choice(tags) if rng.random() < 0.2 else tag for tag in gold]
    expected = metrics.classification_report(gold, guess, digits=2, zero_division=0.0)
    assert token_report([gold], [guess]) == expected
