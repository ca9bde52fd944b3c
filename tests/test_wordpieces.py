"""Wordpieces know their words; windows cover a document and keep each word where it stands best."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import minner.text.wordpieces as wordpieces_module
from minner.tagger import Tagger
from minner.text.windows import Window, windows
from minner.text.wordpieces import Known, Wordpieces, encode_words

Words = NDArray[np.intp]


def encode(tagger: Tagger, words: list[str]) -> tuple[list[str], Wordpieces]:
    vocabulary = tagger.vocabulary
    wordpieces = encode_words(words, vocabulary)
    return [vocabulary.tokenizer.id_to_token(int(i)) for i in wordpieces.ids], wordpieces


# ---- words to wordpieces ------------------------------------------------------------------------


def test_words_are_cut_into_wordpieces(tiny: Tagger) -> None:
    names, wordpieces = encode(tiny, ["My", "Johnson", "A-b"])
    assert names == ["My", "John", "##son", "A", "-", "b"]
    assert wordpieces.words.tolist() == [0, 1, 1, 2, 2, 2]
    words, places = wordpieces.first()
    assert (words.tolist(), places.tolist()) == ([0, 1, 2], [0, 1, 3])
    assert wordpieces.ids.dtype == np.int32


@pytest.mark.parametrize("nothing", ["", " ", "\u200b", "\u00ad", "\0", "\ud800", "\ufffd\udfff"])
def test_a_word_without_wordpieces_keeps_its_place(tiny: Tagger, nothing: str) -> None:
    names, wordpieces = encode(tiny, [nothing, "My", nothing, nothing, "name", nothing])
    assert names == ["My", "name"]
    words, places = wordpieces.first()
    assert (words.tolist(), places.tolist()) == ([1, 4], [0, 1])


@pytest.mark.parametrize("words", [[], [""], ["", ""]])
def test_no_wordpieces_at_all(tiny: Tagger, words: list[str]) -> None:
    _, wordpieces = encode(tiny, words)
    assert len(wordpieces.ids) == len(wordpieces.words) == 0
    assert [len(part) for part in wordpieces.first()] == [0, 0]


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("co\u00adop", ["c", "##o", "##o", "##p"]),
        ("New York", ["N", "##e", "##w", "Y", "##o", "##r", "##k"]),
        ("日本", ["[UNK]", "[UNK]"]),
        ("a" * 101, ["[UNK]"]),
        # As in transformers: the text of a special token is that token.
        ("[SEP]", ["[SEP]"]),
        ("a[SEP]b", ["a", "[SEP]", "b"]),
    ],
)
def test_odd_words(tiny: Tagger, word: str, names: list[str]) -> None:
    found, wordpieces = encode(tiny, ["My", word, "name"])
    assert found == ["My", *names, "name"]
    assert wordpieces.words.tolist() == [0, *[1] * len(names), 2]


@given(st.lists(st.text(alphabet=st.characters()), max_size=20))
def test_any_words(tiny: Tagger, words: list[str]) -> None:
    _, wordpieces = encode(tiny, words)
    assert len(wordpieces.ids) == len(wordpieces.words)
    assert (np.diff(wordpieces.words) >= 0).all()
    first = dict(zip(*(part.tolist() for part in wordpieces.first()), strict=True))
    assert list(first) == sorted({*wordpieces.words.tolist()})
    for word, place in first.items():
        assert place == np.flatnonzero(wordpieces.words == word)[0]


# ---- words that are known -----------------------------------------------------------------------

WORDS = st.lists(st.sampled_from(["My", "name", "Johnson", "", "日本", "\ud800", "x" * 60]))


@given(st.lists(WORDS, max_size=5))
def test_known_words_have_the_wordpieces_that_they_had(
    tiny: Tagger, sentences: list[list[str]]
) -> None:
    known: Known = {}
    for words in sentences:
        expected, found = (encode_words(words, tiny.vocabulary, before) for before in (None, known))
        assert found.ids.tolist() == expected.ids.tolist()
        assert found.words.tolist() == expected.words.tolist()
        assert (found.ids.dtype, found.words.dtype) == (np.int32, np.intp)
    assert {*known} == {word for words in sentences for word in words} - {"x" * 60}


def test_what_is_known_is_bounded(tiny: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordpieces_module, "MOST_KNOWN", 3)
    known: Known = {}
    for words in (["My", "name"], ["is", "John", "My"], ["My", "is"], ["name"]):
        found = encode_words(words, tiny.vocabulary, known)
        assert found.ids.tolist() == encode_words(words, tiny.vocabulary).ids.tolist()
        assert len(known) <= 3


# ---- windows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lengths", "size", "expected"),
    [
        ([], 8, [(0, 0, 0, 0)]),
        ([1] * 8, 8, [(0, 8, 0, 8)]),
        # One wordpiece too many: the overlap is [6, 8), and its middle is beside wordpiece 7.
        ([1] * 9, 8, [(0, 8, 0, 7), (6, 9, 7, 9)]),
        ([1] * 20, 8, [(0, 8, 0, 7), (6, 14, 7, 13), (12, 20, 13, 20)]),
        # The word [5, 8) starts before the overlap: the first window has it whole.
        ([5, 3, 4], 8, [(0, 8, 0, 8), (6, 12, 8, 12)]),
        # The word [7, 10) ends after the overlap: the second window has it whole.
        ([7, 3, 2], 8, [(0, 8, 0, 7), (6, 12, 7, 12)]),
        # A word that no window holds is cut in the middle of the overlap.
        ([12], 8, [(0, 8, 0, 7), (6, 12, 7, 12)]),
        ([1, 1, 1], 1, [(0, 1, 0, 1), (1, 2, 1, 2), (2, 3, 2, 3)]),
        ([2, 2], 3, [(0, 3, 0, 3), (3, 4, 3, 4)]),
    ],
)
def test_table(lengths: list[int], size: int, expected: list[tuple[int, ...]]) -> None:
    assert windows(np.repeat(np.arange(len(lengths)), lengths), size) == [
        Window(*window) for window in expected
    ]


LENGTHS = st.lists(st.integers(1, 4) | st.integers(1, 40), min_size=1, max_size=200)
SIZES = st.sampled_from([1, 2, 3, 4, 5, 8, 13, 30, 510]) | st.integers(1, 64)


@given(LENGTHS, SIZES)
def test_windows_cover_everything_once(lengths: list[int], size: int) -> None:
    words = np.repeat(np.arange(len(lengths)), lengths)
    plan = windows(words, size)
    assert plan[0].start == plan[0].keep_start == 0
    assert plan[-1].end == plan[-1].keep_end == len(words)
    for window in plan:
        assert window.start <= window.keep_start < window.keep_end <= window.end
        assert window.end - window.start <= size
    for left, right in pairwise(plan):
        assert left.keep_end == right.keep_start
        assert left.end - right.start == size // 4
    if len(words) <= size:
        assert len(plan) == 1


@given(LENGTHS, SIZES)
def test_each_word_is_kept_where_it_stands_furthest_from_an_edge(
    lengths: list[int], size: int
) -> None:
    words = np.repeat(np.arange(len(lengths)), lengths)
    plan = windows(words, size)
    ends = np.cumsum(lengths)
    for start, end in zip((ends - lengths).tolist(), ends.tolist(), strict=True):
        margins = [min(start - window.start, window.end - end) for window in plan]
        if max(margins) < 0:
            continue  # no window holds the word
        keeping = [i for i, w in enumerate(plan) if w.keep_start <= start and end <= w.keep_end]
        assert keeping, "a word that a window holds is torn"
        assert margins[keeping[0]] == max(margins)
