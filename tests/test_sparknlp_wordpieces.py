"""From tokens to wordpieces as Spark NLP's DistilBERT annotators: the first basic part alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minner
from checkpoints import VOCABULARY, write_checkpoint
from minner.sparknlp.wordpieces import WordpieceEncoder, first_basic_part
from minner.tagger import Tagger
from minner.text.wordpieces import encode_words


@pytest.mark.parametrize(
    ("token", "part"),
    [
        ("John", "John"),
        # The examples of the reference: what stands behind the first part is thrown away.
        ("AL-AIN", "AL"),
        ("U.N", "U"),
        ("EU's", "EU"),
        ("1996-08-22", "1996"),
        ("AT&T", "AT"),
        ("$5.00", "$"),
        # Accents go, though the model is cased.
        ("São", "Sao"),
        ("Müller", "Muller"),
        ("Mu\u0308ller", "Muller"),
        ("Øst", "Øst"),
        ("\u0301", ""),
        ("\u0301-a", "-"),
        # Punctuation has PUNCTUATION in its name, or is ASCII.
        ("“Paris”", "“Paris”"),
        ("Paris–Dakar…", "Paris–Dakar…"),
        ("^_`{|}~", "^"),
        ("a\u05beb", "a"),  # HEBREW PUNCTUATION MAQAF
        ("\u2008a", "\u2008"),  # PUNCTUATION SPACE
        # Chinese characters stand alone, but only those of 16 bits.
        ("東京", "東"),
        ("a東", "a"),
        ("𠀀𠀁a", "𠀀𠀁a"),
        ("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
        ("カタカナ", "カタカナ"),
        # White space that is none for the tokenizer, and characters that are dropped.
        ("a\u3000b", "a"),
        ("\u3000b", "b"),
        ("a\u00a0b", "a\u00a0b"),
        ("a\u2028b", "a"),
        ("\ufffdParis", "Paris"),
        ("Pa\0ris", "Pa"),
        ("\x85x", "x"),
        ("\0\x1f\x9f", ""),
        ("\u200bx", "\u200bx"),
        ("", ""),
        (" ", ""),
    ],
)
def test_first_basic_part(token: str, part: str) -> None:
    assert first_basic_part(token, case_sensitive=True) == part


@pytest.mark.parametrize(
    ("token", "part"),
    [("École", "ecole"), ("AL-AIN", "al"), ("İzmir", "izmir"), ("ΣΟΦΟΣ", "σοφος"), ("$A", "$")],
)
def test_first_basic_part_of_lowercased_tokens(token: str, part: str) -> None:
    assert first_basic_part(token, case_sensitive=False) == part


def show(tagger: Tagger, token: str, *, case_sensitive: bool = True) -> str:
    """The wordpieces of a token, each with its offset."""
    encoder = WordpieceEncoder(tagger.vocabulary, case_sensitive=case_sensitive)
    name = tagger.vocabulary.tokenizer.id_to_token
    wordpieces = encoder.encode(token)
    assert encoder.encode(token) == wordpieces, "remembered or not"
    return " ".join(f"{name(wordpiece.id)}@{wordpiece.offset}" for wordpiece in wordpieces)


@pytest.mark.parametrize(
    ("token", "wordpieces"),
    [
        ("Smith", "Smith@0"),
        ("Smithson", "Smith@0 ##son@5"),
        ("Smithsons", "Smith@0 ##son@5 ##s@8"),
        ("Paris-Smith", "Paris@0"),
        ("Smíthson", "Smith@0 ##son@5"),
        ("Smithж", "[UNK]@0"),
        ("жSmith", "[UNK]@0"),
        ("“Paris”", "[UNK]@0"),
        ("[CLS]", "[@0"),
        ("\u0301", ""),
        ("", ""),
        ("a" * 200, " ".join(["a@0", *(f"##a@{i}" for i in range(1, 200))])),
        ("a" * 201, "[UNK]@0"),
        ("a" * 200 + "\u0301", " ".join(["a@0", *(f"##a@{i}" for i in range(1, 200))])),
    ],
)
def test_wordpieces(tiny: Tagger, token: str, wordpieces: str) -> None:
    assert show(tiny, token) == wordpieces


def test_lowercased_wordpieces(tiny: Tagger) -> None:
    assert show(tiny, "IS", case_sensitive=False) == "is@0"
    assert show(tiny, "IS") == "I@0 ##S@1"


def test_lengths_and_offsets_count_utf16_units(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, vocab=(*VOCABULARY, "😀", "##😀"))
    tagger = minner.load(path)
    assert show(tagger, "😀😀a") == "😀@0 ##😀@2 ##a@4"
    assert show(tagger, "😀" * 100).endswith(" ##😀@198")
    assert show(tagger, "😀" * 101) == "[UNK]@0"


@given(st.text(alphabet="abJohnSmitPr123", min_size=1, max_size=60))
def test_words_of_letters_and_digits_are_cut_as_by_tokenizers(tiny: Tagger, word: str) -> None:
    wordpieces = WordpieceEncoder(tiny.vocabulary, case_sensitive=True).encode(word)
    assert [wordpiece.id for wordpiece in wordpieces] == encode_words(
        [word], tiny.vocabulary
    ).ids.tolist()


@given(st.text(alphabet=st.characters()))
def test_any_token_gives_wordpieces_of_the_vocabulary(tiny: Tagger, token: str) -> None:
    wordpieces = WordpieceEncoder(tiny.vocabulary, case_sensitive=True).encode(token)
    assert bool(wordpieces) == bool(first_basic_part(token, case_sensitive=True))
    assert all(0 <= wordpiece.id < len(VOCABULARY) for wordpiece in wordpieces)
    assert [wordpiece.offset for wordpiece in wordpieces] == sorted(
        {wordpiece.offset for wordpiece in wordpieces}
    )
