"""Intervals, kinds of mistakes, lengths, and the whole report."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minner.scoring.analysis import (
    confusion_report,
    full_report,
    interval_report,
    length_report,
    mistake_report,
)
from minner.scoring.bootstrap import Interval, f1_intervals
from minner.scoring.counts import Counts, Phrases, count_phrases, read_phrases, total
from minner.scoring.lengths import Group, by_length
from minner.scoring.mistakes import MISSED, PAIRED, SPURIOUS, count_mistakes
from minner.scoring.numbers import full_numbers

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
CORPORA = st.lists(
    st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=8),
    min_size=1,
    max_size=8,
)


def phrases_of(*sentences: str) -> list[Phrases]:
    """Read sentences of `gold | guess`."""
    halves = [sentence.split("|") for sentence in sentences]
    return read_phrases([gold.split() for gold, _ in halves], [b.split() for _, b in halves])


def noisy(n_sentences: int, seed: int = 0) -> list[Phrases]:
    """Sentences of one or two phrases, about seven in ten of them found."""
    rng = np.random.default_rng(seed)
    sentences = []
    for _ in range(n_sentences):
        gold = ["B-PER", "O", "B-LOC"][: 1 + 2 * rng.integers(2)]
        guess = [tag if rng.random() < 0.7 else "O" for tag in gold]
        sentences.append(f"{' '.join(gold)} | {' '.join(guess)}")
    return phrases_of(*sentences)


# ---- intervals ----------------------------------------------------------------------------------


def test_intervals_are_those_of_resampling_one_corpus_at_a_time() -> None:
    phrases = noisy(40)
    rng = np.random.default_rng(7)
    scores = []
    for _ in range(300):
        corpus = [phrases[i] for i in rng.integers(len(phrases), size=len(phrases))]
        counts = count_phrases(corpus)
        scores.append([total(counts).scores().f1, counts["LOC"].scores().f1])
    low, high = np.quantile(scores, [0.025, 0.975], axis=0)
    intervals = f1_intervals(phrases, resamples=300, seed=7)
    assert intervals.overall == pytest.approx((low[0], high[0]), abs=1e-12)
    assert intervals.labels["LOC"] == pytest.approx((low[1], high[1]), abs=1e-12)
    assert list(intervals.labels) == ["LOC", "PER"]


def test_intervals_do_not_depend_on_how_many_are_drawn_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    phrases = noisy(50)
    whole = f1_intervals(phrases, resamples=500)
    monkeypatch.setattr("minner.scoring.bootstrap._DRAWS_AT_ONCE", 333)
    assert f1_intervals(phrases, resamples=500) == whole
    assert f1_intervals(phrases, resamples=500, seed=1) != whole


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [("B-PER O | B-PER O", 1.0), ("B-PER | O", 0.0), ("O | B-PER", 0.0), ("O | O", 0.0)],
)
def test_intervals_without_spread(sentence: str, expected: float) -> None:
    phrases = phrases_of(sentence, sentence)
    assert f1_intervals(phrases, resamples=50).overall == Interval(expected, expected)


def test_intervals_shrink_as_the_corpus_grows() -> None:
    """Ten times the sentences, about a third of the width, around the same score."""
    few, many = (f1_intervals(noisy(n), resamples=2000).overall for n in (100, 1000))
    assert 2.5 < (few.high - few.low) / (many.high - many.low) < 4.0
    assert many.low < total(count_phrases(noisy(1000))).scores().f1 < many.high


# ---- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("B-PER I-PER | B-PER I-PER", "correct PER"),
        ("B-PER I-PER | B-LOC I-LOC", "type PER"),
        ("B-PER I-PER | B-PER O", "boundary PER"),
        ("O B-PER | B-PER I-PER", "boundary PER"),
        ("B-PER I-PER | O B-LOC", "both PER"),
        ("B-PER O | O B-PER", "missed PER, spurious PER"),
        ("B-PER | O", "missed PER"),
        ("O | B-LOC", "spurious LOC"),
        ("O | O", ""),
        # One long phrase found as two: the one of its label is its partner.
        ("B-ORG I-ORG I-ORG | B-LOC I-LOC B-ORG", "boundary ORG, spurious LOC"),
        ("B-ORG I-ORG I-ORG | B-LOC I-LOC B-PER", "both ORG, spurious PER"),
        # Two phrases found as one: its partner is the first that it shares words with.
        ("B-PER B-PER | B-PER I-PER", "boundary PER, missed PER"),
        ("B-LOC B-PER | B-PER I-PER", "boundary PER, missed LOC"),
    ],
)
def test_kinds_of_mistakes(sentence: str, expected: str) -> None:
    kinds = count_mistakes(phrases_of(sentence)).kinds
    assert ", ".join(sorted(f"{kind} {label}" for kind, label in kinds)) == expected
    assert set(kinds.values()) <= {1}


@given(CORPORA)
def test_every_phrase_is_counted_once(corpus: list[list[tuple[str, str]]]) -> None:
    gold = [[a for a, _ in sentence] for sentence in corpus]
    guess = [[b for _, b in sentence] for sentence in corpus]
    phrases = read_phrases(gold, guess)
    counts, mistakes = count_phrases(phrases), count_mistakes(phrases)
    for label, expected in counts.items():
        kinds = {kind: mistakes.kinds[kind, label] for kind in (*PAIRED, MISSED, SPURIOUS)}
        assert kinds["correct"] == expected.correct
        assert sum(kinds.values()) - kinds[SPURIOUS] == expected.gold
        found = sum(n for (_, got), n in mistakes.pairs.items() if got == label)
        wanted = sum(n for (gold, _), n in mistakes.pairs.items() if gold == label)
        assert (wanted, found) == (expected.gold, expected.found)
    assert sum(groups.phrases.gold for groups in by_length(gold, phrases)) == total(counts).gold


# ---- lengths ------------------------------------------------------------------------------------


def test_lengths() -> None:
    gold = [["B-PER"] * n for n in (1, 5, 6, 50, 51, 400)]
    guess = [["B-PER"] + ["O"] * (len(tags) - 1) for tags in gold]
    assert by_length(gold, read_phrases(gold, guess)) == [
        Group(1, 5, 2, Counts(gold=6, found=2, correct=2)),
        Group(6, 10, 1, Counts(gold=6, found=1, correct=1)),
        Group(31, 50, 1, Counts(gold=50, found=1, correct=1)),
        Group(51, None, 2, Counts(gold=451, found=2, correct=2)),
    ]


# ---- as text, and as JSON -----------------------------------------------------------------------

GOLD = [["B-PER", "I-PER", "O", "B-LOC", "O", "O"], ["O", "B-LOC", "I-LOC", "O"]]
GUESS = [["B-PER", "I-PER", "O", "B-ORG", "B-MISC", "O"], ["O", "B-LOC", "O", "O"]]


def test_reports_as_text() -> None:
    phrases = read_phrases(GOLD, GUESS)
    mistakes = count_mistakes(phrases)
    assert (
        mistake_report(mistakes)
        == """\
      correct  type  boundary  both  missed  spurious
 LOC        0     1         1     0       0         0
MISC        0     0         0     0       0         1
 PER        1     0         0     0       0         0
 all        1     1         1     0       0         1
"""
    )
    assert (
        confusion_report(mistakes)
        == """\
    gold  LOC  MISC  ORG  PER  missed
     LOC    1     0    1    0       0
    MISC    0     0    0    0       0
     ORG    0     0    0    0       0
     PER    0     0    0    1       0
spurious    0     1    0    0
"""
    )
    assert (
        length_report(GOLD, phrases)
        == """\
words  sentences  gold  found  correct  precision  recall     F1
  1-5          1     1      1        0       0.00    0.00   0.00
 6-10          1     2      3        1      33.33   50.00  40.00
"""
    )
    lines = interval_report(phrases).splitlines()
    assert lines[0] == "          F1  from      to"
    assert lines[4] == " PER  100.00  0.00  100.00"
    assert lines[5] == " all   28.57  0.00   40.00"
    assert lines[-1] == "10000 resamples of 2 sentences"


def test_the_full_report_holds_all_others() -> None:
    report = full_report(GOLD, GUESS)
    headings = [line for line in report.splitlines() if line.startswith("==")]
    assert len(headings) == 7
    assert "== seqeval, strict, IOB2 ==" in headings
    assert "accuracy:  60.00%; (non-O)" in report


def test_numbers_for_json() -> None:
    numbers = json.loads(json.dumps(full_numbers(GOLD, GUESS)))
    assert numbers["phrases"]["f1"] == pytest.approx(2 / 7)
    assert numbers["seqeval"]["micro_avg"] == {
        "precision": 0.25,
        "recall": pytest.approx(1 / 3),
        "f1": pytest.approx(2 / 7),
        "support": 3,
    }
    assert numbers["seqeval"]["labels"]["PER"]["f1"] == 1.0
    assert numbers["seqeval_strict"]["scheme"] == "IOB2"
    assert numbers["f1_intervals"]["labels"]["PER"] == {"low": 0.0, "high": 1.0}
    assert numbers["f1_intervals"]["low"] == 0.0
    assert numbers["mistakes"]["kinds"]["type"] == {"LOC": 1}
    assert numbers["mistakes"]["kinds"]["missed"] == {}
    assert numbers["mistakes"]["found_by_gold"]["spurious"] == {"MISC": 1}
    assert [group["gold"] for group in numbers["lengths"]] == [1, 2]
