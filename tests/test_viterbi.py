"""Viterbi: against every path there is, and never an ill-formed tag."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minner.decoders.strict import strict_chunks
from minner.decoders.viterbi import allow_any_length, best_path, logarithms, transitions
from minner.decoding.chunks import OUTSIDE, conlleval_chunks, split_tag, to_iob2
from minner.decoding.schemes import may_follow

LABELS = {
    "IO": ("O", "I-X", "I-Y"),
    "IOB1": ("O", "I-X", "B-X", "I-Y"),
    "IOB2": ("B-X", "I-X", "O", "B-Y", "I-Y"),
    "IOE2": ("O", "I-X", "E-X", "I-Y", "E-Y"),
    "IOBES": ("O", "B-X", "I-X", "E-X", "S-X", "B-Y", "E-Y"),
    "BILOU": ("O", "B-X", "I-X", "L-X", "U-X", "U-Y"),
}


def log_probabilities(seed: int, words: int, classes: int, scale: float = 2.0) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0, scale, (words, classes))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def is_well_formed(tags: list[str], scheme: str) -> bool:
    edged = [OUTSIDE, *map(split_tag, tags), OUTSIDE]
    return all(may_follow(scheme, before, here) for before, here in pairwise(edged))


@pytest.mark.parametrize("scheme", LABELS)
@pytest.mark.parametrize("words", [1, 2, 3, 5])
def test_the_best_of_all_paths(scheme: str, words: int) -> None:
    labels = LABELS[scheme]
    allowed = transitions(labels, scheme)
    paths = [
        path
        for path in product(range(len(labels)), repeat=words)
        if is_well_formed([labels[i] for i in path], scheme)
    ]
    changed = 0
    for seed in range(100):
        logs = log_probabilities(seed, words, len(labels))
        totals = [logs[np.arange(words), path].sum() for path in paths]
        found = best_path(logs, allowed)
        assert tuple(found) == paths[int(np.argmax(totals))]
        changed += (found != logs.argmax(axis=1)).any()
    assert changed > 20 or scheme == "IO" or (scheme, words) == ("IOB1", 1), "too easy"


@given(st.sampled_from(sorted(LABELS)), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_always_well_formed(scheme: str, words: int, seed: int) -> None:
    labels = LABELS[scheme]
    found = best_path(log_probabilities(seed, words, len(labels)), transitions(labels, scheme))
    tags = [labels[i] for i in found]
    assert is_well_formed(tags, scheme)
    if scheme != "IO":  # then all rules read them alike, and so do outside judges
        assert strict_chunks(tags, scheme) == conlleval_chunks(tags)
    if scheme == "IOB2":
        assert to_iob2(tags) == tags


def test_probabilities_of_zero() -> None:
    """A certain `I-X` after a certain `O`: nothing well-formed is likely, yet something comes."""
    labels = LABELS["IOB2"]
    certain = np.zeros((3, 5), dtype=np.float32)
    certain[[0, 1, 2], [2, 1, 1]] = 1
    found = best_path(logarithms(certain), transitions(labels, "IOB2"))
    assert [labels[i] for i in found] in (["B-X", "I-X", "I-X"], ["O", "B-X", "I-X"])


def test_a_well_formed_best_is_kept() -> None:
    logs = log_probabilities(0, 200, 3)
    np.testing.assert_array_equal(
        best_path(logs, transitions(LABELS["IO"], "IO")), logs.argmax(axis=1)
    )


@pytest.mark.parametrize(
    ("labels", "scheme", "expected"),
    [
        ("O B-X", "IOB2", True),
        ("B-X I-X", "IOB2", True),
        ("I-X B-X", "IOB1", True),
        ("S-X B-X E-X", "IOBES", True),
        ("I-X E-X", "IOE2", True),
        ("B-X E-X", "IOBES", False),
    ],
)
def test_a_sentence_of_any_length_has_a_path(labels: str, scheme: str, expected: bool) -> None:
    assert allow_any_length(transitions(labels.split(), scheme)) is expected
