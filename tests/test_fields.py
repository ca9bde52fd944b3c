"""Fields that compiled code cuts: it finds what Python finds, and leaves to it what it must."""

from __future__ import annotations

import re
import string
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer

import minner
from checkpoints import VOCABULARY, write_checkpoint
from minner.tagger import Tagger
from minner.text.wordpieces import without_surrogates
from minner.text.words import split_field, split_words
from minner.weights.kept_wordpieces import KeptWordpieces, Rules, packed
from minner.weights.wordpiece_table import wordpiece_table

LONG = ["a" * 16, "b" * 17, "##" + "c" * 16, "##" + "d" * 17]


@pytest.fixture(scope="module")
def taggers(tmp_path_factory: pytest.TempPathFactory, embedded: Tagger) -> list[Tagger]:
    """The embedded model, a cased one, and an uncased one."""
    found = [embedded]
    for lowercase in (False, True):
        folder = tmp_path_factory.mktemp("models")
        write_checkpoint(folder, lowercase=lowercase, vocab=[*VOCABULARY, *LONG])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(minner.load(folder))
    return found


def cut(tagger: Tagger, texts: Sequence[str]) -> list[tuple[str, list[int] | None]]:
    """Each field, and its ids; None where it is left to Python."""
    joined = "".join(texts)
    fields = tagger._reader.kernels.cut(texts, joined)
    ends = [0, *fields.ends.tolist()]
    for text, begin, own in zip(texts, fields.text_bounds, pairwise(ends), strict=False):
        spans = fields.places[slice(*own)] - [begin, begin, 0]
        for start, end, count in spans.tolist():
            assert count < 0 or (start, end) in split_words(text)
        assert "".join(text[a:b] for a, b, _ in spans.tolist()) == "".join(text.split())
    found: list[tuple[str, list[int] | None]] = []
    ids = iter(fields.ids.tolist())
    for start, end, count in fields.places.tolist():
        own = None if count < 0 else [next(ids) for _ in range(count)]
        found.append((joined[start:end], own))
    return found


ENDS = [*("Mr", "Prof", "vs", "Bros", "J", "Smith", "the", "abcde", "1996", "5", "a-J", "co-works")]
ENDS += [*[".", "..", ".", ".", ",", ";", ":", "!", "?", ")", "/", "-", "&", "'", '"'], *(3 * " ")]

TEXTS = st.one_of(
    st.text("aBn1-&.,:/'[_# ", max_size=16),
    st.lists(st.sampled_from(ENDS)).map("".join),
    st.text(string.ascii_letters + string.digits + string.punctuation + string.whitespace),
    st.text("".join(map(chr, range(0x3002))), max_size=9),
    st.sampled_from([f"{piece.strip('#')}{tail}" for piece in LONG for tail in ("", "a", "-b")]),
    st.sampled_from(["John", "JOHNSONS", "works", "café", "2\u00b2", "٣-٣", "a\u2028b", "\ud800"]),
)


@given(st.lists(TEXTS, max_size=6))
def test_fields_are_cut_as_by_python(taggers: list[Tagger], texts: list[str]) -> None:
    for tagger in taggers:
        found = cut(tagger, texts)
        for field, ids in found:
            if ids is not None:
                assert split_field(field) == [(0, len(field))]
                assert [*tagger.vocabulary.cut([field])[0]] == ids


@given(st.lists(TEXTS.map(without_surrogates), max_size=6))
def test_words_are_cut_as_by_python(taggers: list[Tagger], words: list[str]) -> None:
    for tagger in taggers:
        found = tagger._reader.kernels.cut_words(words)
        for word, ids, expected in zip(words, found, tagger.vocabulary.cut(words), strict=True):
            assert ids in (None, expected)
            assert tagger._reader._encoder.cut([word]) == [expected]
            if ids is None:  # of those that the library need not see, only long ones
                assert not re.fullmatch("[!-Z\\\\-~]+", word) or re.search("[a-zA-Z0-9]{17}", word)


@given(st.text("aB1-&.,:/ ", max_size=24))
def test_what_is_one_word_by_itself_is_one_in_its_text(text: str) -> None:
    joined = r"(?:[-&](?=[a-zA-Z0-9])|(?<=\d)[.,:/](?=\d))"
    spans = split_words(text)
    for match in re.finditer(rf"(?<!\S)[a-zA-Z0-9]+(?:{joined}[a-zA-Z0-9]+)*(?!\S)", text):
        assert match.span() in spans


def test_all_but_what_needs_rules_is_cut_without_python(embedded: Tagger) -> None:
    ended = "said, 1996: Berlin. 24.40. a; b! c? d) co-works."
    assert all(ids for _, ids in cut(embedded, [ended]))
    plain = "John AL-AIN AT&T 1996-12-06 10,000 24.40 12:30 1/2 30-year-old - , . ( ' \" # 2-1"
    assert all(ids for _, ids in cut(embedded, [plain]))
    rest = "U.S. 's café _a a_b (AP) Mr. J. Bros. Prof. a/ -5 5- a--b 1.a a,b !! [ 日本 \ud800"
    rest += " x\u200by " + 17 * "x"
    assert all(ids is None for _, ids in cut(embedded, [rest]))


@pytest.mark.parametrize(
    ("content", "refused"), [("[X]", "["), ("<a-b>", "-"), ("word", None), ("a&", "&")]
)
def test_what_an_added_token_could_be_found_by_is_left_to_python(
    tmp_path: Path, content: str, refused: str | None
) -> None:
    write_checkpoint(tmp_path, vocab=[*VOCABULARY, content])
    path = str(tmp_path / "tokenizer.json")
    tokenizer = Tokenizer.from_file(path)
    tokenizer.add_tokens([AddedToken(content, normalized=False)])
    tokenizer.save(path)
    tagger = minner.load(tmp_path)
    for field, ids in cut(tagger, ["John a-b AT&T [ - &"]):
        left = refused is None or refused in field or "[" in field
        assert (ids is None) == left


def test_a_tokenizer_of_other_rules_cuts_no_field() -> None:
    table = wordpiece_table(None)
    assert not table.slots.any()
    assert {*table.kinds.tolist()} == {0, 1}


def rules(**changes: Any) -> Rules:
    known = {"lowercase": False, "prefix": "##", "longest": 100, "unknown": 0, "added": ["[X]"]}
    return Rules(**(known | changes))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 500])
def test_a_table_holds_every_wordpiece_and_free_slots(count: int) -> None:
    vocabulary = {f"w{i}" if i % 2 else f"##{i}": i for i in range(count)}
    slots = wordpiece_table(KeptWordpieces(packed(rules(), vocabulary))).slots
    taken = slots[slots[:, 0] != 0]
    assert 2 * len(taken) <= len(slots)
    found = {}
    for low, high, value in taken.tolist():
        piece = (low | high << 64).to_bytes(16, "little").rstrip(b"\0").decode()
        found["##" * (value & 1) + piece] = value >> 1
    # What begins with the prefix is also there as it stands, as the first wordpiece of a word.
    assert found == vocabulary
