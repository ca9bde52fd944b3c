"""The reports of seqeval, character for character: stored ones, and live where it is installed."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from golden.make_seqeval import PREFIXES, random_corpus
from minner.errors import MinnerError
from minner.scoring.classification import seqeval_report
from minner.scoring.conll import read_conll

STORED = json.loads((Path(__file__).parent / "golden" / "seqeval.json").read_text())

NOTHING = """\
              precision    recall  f1-score   support


   micro avg     0.0000    0.0000    0.0000         0
   macro avg     0.0000    0.0000    0.0000         0
weighted avg     0.0000    0.0000    0.0000         0
"""


@pytest.mark.parametrize("scheme", STORED)
def test_stored_reports(scheme: str) -> None:
    entry = STORED[scheme]
    gold = [line.split() for line in entry["gold"]]
    guess = [line.split() for line in entry["guess"]]
    assert seqeval_report(gold, guess, scheme) == entry["strict"]
    if scheme != "BILOU":  # seqeval's default mode reads L and U as nothing in particular
        assert seqeval_report(gold, guess) == entry["default"]


@pytest.mark.parametrize("scheme", PREFIXES)
@pytest.mark.parametrize("seed", range(20))
def test_live(scheme: str, seed: int) -> None:
    seqeval = pytest.importorskip("seqeval")
    metrics, schemes = pytest.importorskip("seqeval.metrics"), seqeval.scheme
    gold, guess = random_corpus(PREFIXES[scheme], seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strict = {"mode": "strict", "scheme": getattr(schemes, scheme)}
        expected = metrics.classification_report(gold, guess, digits=4, **strict)
        assert seqeval_report(gold, guess, scheme) == expected
        if scheme != "BILOU":
            expected = metrics.classification_report(gold, guess, digits=4)
            assert seqeval_report(gold, guess) == expected


@pytest.mark.parametrize(
    ("scheme", "expected"), [(None, "seqeval-default.txt"), ("IOB2", "seqeval-strict-iob2.txt")]
)
def test_wikigold_as_seqeval_prints_it(shared: Path, scheme: str | None, expected: str) -> None:
    stored = shared / "conlleval"
    sentences = list(read_conll(stored / "wikigold-noisy.txt", guess=True))
    gold = [sentence.tags for sentence in sentences]
    guess = [sentence.guess for sentence in sentences]
    assert seqeval_report(gold, guess, scheme) == (stored / expected).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("scheme", "tag"),
    [("IOB2", "S-PER"), ("IOBES", "L-PER"), ("IOB2", "PER"), ("IOB2", ""), ("IOB2", "2-PER")],
)
def test_a_prefix_of_another_scheme_is_refused(scheme: str, tag: str) -> None:
    with pytest.raises(MinnerError, match=f"the tag '{tag}' is not of the scheme {scheme}"):
        seqeval_report([["O", "O"]], [["O", tag]], scheme)


def test_nothing_to_score() -> None:
    assert seqeval_report([["O", "O"]], [["O", "O"]]) == NOTHING
    assert seqeval_report([], [], "IOB2") == NOTHING


def test_only_spurious_phrases() -> None:
    """The weighted average has no weights then: 0, as in seqeval."""
    report = seqeval_report([["O", "O"]], [["B-PER", "B"]])
    assert [line.split()[-1] for line in report.splitlines()[2:4]] == ["0", "0"]
    assert report.splitlines()[3].startswith("           _ ")
    assert report.splitlines()[-1] == NOTHING.splitlines()[-1]


def test_strict_differs_where_a_phrase_is_ill_formed() -> None:
    gold, guess = [["B-PER", "I-PER"]], [["I-PER", "I-PER"]]
    assert "micro avg     1.0000" in seqeval_report(gold, guess)
    assert "micro avg     0.0000" in seqeval_report(gold, guess, "IOB2")
