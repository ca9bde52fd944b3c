"""Word strategies, against the definitions written as loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from minner.decoding.softmax import softmax
from minner.decoding.strategies import STRATEGIES


def by_loop(name: str, wordpieces: np.ndarray) -> np.ndarray:
    """The probabilities of one word from those of its wordpieces, `[k, C]`."""
    if name == "first":
        return wordpieces[0]
    if name == "average":
        return wordpieces.mean(axis=0)
    best = 0
    for i, wordpiece in enumerate(wordpieces):
        if wordpiece.max() > wordpieces[best].max():
            best = i
    return wordpieces[best]


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("lengths", [[1], [4], [1, 1, 1], [2, 1, 7, 1, 3]])
def test_against_loops(name: str, lengths: list[int]) -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        wordpieces = softmax(random.normal(0, 3, (sum(lengths), 5)).astype(np.float32))
        starts = np.cumsum([0, *lengths])
        expected = [by_loop(name, wordpieces[a:b]) for a, b in itertools.pairwise(starts)]
        found = STRATEGIES[name](wordpieces, starts[:-1])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_of_equally_sure_wordpieces_the_first_speaks() -> None:
    logits = np.array([[0, 1, 5], [5, 1, 0], [0, 5, 1]], dtype=np.float32)
    found = STRATEGIES["max"](softmax(logits), np.array([0, 1]))
    np.testing.assert_array_equal(found.argmax(axis=1), [2, 0])
