"""The encoder: a quick start cuts plain words without the tokenizers library, and never wrongly."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers

import minner
from checkpoints import edit_json, write_checkpoint
from minner.weights import encoder
from minner.weights.checkpoint import open_checkpoint
from minner.weights.encoder import Encoder, note_path, open_encoder

WORDS = ["My", "names", "AL-AIN", "(U.S.)", "x" * 101, "3,5%", "", "~a_b", "Smithson's"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINNER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "model")


@pytest.fixture(autouse=True)
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The tokenizer.json that were loaded as a whole, one after the other."""
    paths: list[Path] = []
    load = encoder._from_json

    def note(path: Path, *arguments: Any) -> Any:
        paths.append(path)
        return load(path, *arguments)

    monkeypatch.setattr(encoder, "_from_json", note)
    return paths


def opened(directory: Path, lowercase: bool | None = None) -> Encoder:
    return open_encoder(directory, open_checkpoint(directory).config, lowercase)


def edit_tokenizer(directory: Path, **parts: Any) -> None:
    """Set attributes of the tokenizer in a tokenizer.json."""
    path = str(directory / "tokenizer.json")
    tokenizer = Tokenizer.from_file(path)
    for name, value in parts.items():
        setattr(tokenizer, name, value)
    tokenizer.save(path)


# ---- the same wordpieces ------------------------------------------------------------------------

ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=24)


@pytest.fixture(scope="module", params=["cased", "uncased", "embedded"])
def by_hand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What cuts plain words by hand, and the library."""
    if request.param == "embedded":
        request.getfixturevalue("embedded")
        directory = Path(minner.__file__).parent / "weights" / "default"
    else:
        directory = tmp_path_factory.mktemp("models") / "model"
        write_checkpoint(directory, lowercase=request.param == "uncased")
    lowercase = request.param == "uncased"
    vocabulary = open_encoder(directory, open_checkpoint(directory).config, lowercase).vocabulary
    words = encoder._plain_words(vocabulary)
    assert words is not None
    return encoder.KeptWordpieces(words), vocabulary


@given(st.lists(ASCII | st.sampled_from(WORDS), max_size=9))
@example(WORDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_plain_words_are_cut_as_by_the_library(by_hand: Any, words: list[str]) -> None:
    plain, vocabulary = by_hand
    for word in words:
        cut = plain.cut([word])
        assert cut == vocabulary.cut([word]) or (cut is None and "[" in word)


def test_every_wordpiece_of_a_vocabulary_is_found(by_hand: Any) -> None:
    plain, vocabulary = by_hand
    for wordpiece, index in vocabulary.tokenizer.get_vocab().items():
        if wordpiece.isascii():
            assert plain._find(wordpiece.encode()) == index
        assert plain._find(wordpiece.encode() + b"\x01") is None


@pytest.mark.parametrize(
    "word", ["é", "a b", "\n", "“", "\x7f", "\0", "a\u0301", "[MASK]", "x[SEP]"]
)
def test_other_words_are_left_to_the_library(by_hand: Any, word: str) -> None:
    assert by_hand[0].cut(["a", word]) is None


# ---- when the whole is loaded -------------------------------------------------------------------


def test_a_later_start_loads_the_tokenizer_at_the_first_word_that_needs_it(
    model: Path, loads: list[Path]
) -> None:
    expected = opened(model).cut(WORDS)
    assert len(loads) == 1
    later = opened(model)
    assert later.cut(WORDS) == expected
    assert len(loads) == 1
    assert later.cut(["São", *WORDS]) == later.vocabulary.cut(["São", *WORDS])
    assert later.cut(WORDS) == expected
    assert len(loads) == 2


def test_many_words_are_left_to_the_library(model: Path, loads: list[Path]) -> None:
    opened(model)
    later = opened(model)
    for _ in range(encoder.PLAIN_WORDS // 2):
        later.cut(["My", "name"])
    assert len(loads) == 1
    later.cut(["My"])
    assert len(loads) == 2
    opened(model).cut(["My"] * (encoder.PLAIN_WORDS + 1))
    assert len(loads) == 3


def test_a_loaded_model_outlives_its_files(model: Path) -> None:
    minner.load(model)
    ner = minner.load(model)
    shutil.rmtree(model)
    assert ner.vocabulary.tokenizer.get_vocab_size() and ner("São John Smith")


# ---- what is kept -------------------------------------------------------------------------------


def changed_vocabulary(directory: Path) -> None:
    edit_json(directory / "tokenizer.json", lambda raw: raw["model"].update(unk_token="[MASK]"))


def changed_settings(directory: Path) -> None:
    edit_json(directory / "tokenizer_config.json", lambda raw: raw.update(do_lower_case=True))


def changed_length(directory: Path) -> None:
    edit_json(directory / "tokenizer_config.json", lambda raw: raw.update(model_max_length=9))


@pytest.mark.filterwarnings("ignore::minner.MinnerWarning")
@pytest.mark.parametrize("change", [changed_vocabulary, changed_settings, changed_length])
def test_a_changed_tokenizer_is_not_taken_for_the_old_one(
    model: Path, loads: list[Path], change: Any
) -> None:
    before = opened(model).facts
    change(model)
    changed = opened(model)
    assert len(loads) == 2
    assert opened(model).facts == changed.facts
    assert len(loads) == 2
    words = ["MY", "", "Smith"]
    assert opened(model).cut(words) == changed.vocabulary.cut(words)
    assert (changed.facts != before) == (change is changed_length)


@pytest.mark.filterwarnings("ignore::minner.MinnerWarning")
def test_the_argument_lowercase_is_not_forgotten(model: Path, loads: list[Path]) -> None:
    ids = [opened(model, lowercase).cut(["MY"]) for lowercase in (False, True, False, True)]
    assert ids[0] == ids[2] != ids[1] == ids[3]


@pytest.mark.parametrize("damage", ["cut", "flip", "other"])
def test_damaged_words_are_not_used(model: Path, loads: list[Path], damage: str) -> None:
    expected = opened(model).cut(WORDS)
    note = note_path(model / "tokenizer.json")
    content = bytearray(note.read_bytes())
    if damage == "cut":
        del content[-5:]
    elif damage == "flip":
        content[-5] ^= 1
    else:
        content[:] = b"{}\n"
    note.write_bytes(content)
    assert opened(model).cut(WORDS) == expected
    assert len(loads) == 2


def test_warnings_come_at_every_start(model: Path) -> None:
    edit_json(model / "tokenizer_config.json", lambda raw: raw.pop("do_lower_case"))
    for _ in range(2):
        with pytest.warns(minner.MinnerWarning, match="transformers 5 would have lowercase=True"):
            opened(model)


OTHERS = {
    "another normalizer": {"normalizer": normalizers.NFC()},
    "another pre-tokenizer": {"pre_tokenizer": pre_tokenizers.Whitespace()},
}


@pytest.mark.filterwarnings("ignore::minner.MinnerWarning")
@pytest.mark.parametrize("parts", OTHERS.values(), ids=OTHERS)
def test_nothing_is_kept_of_a_tokenizer_of_another_kind(
    model: Path, parts: dict[str, Any], loads: list[Path]
) -> None:
    edit_tokenizer(model, **parts)
    for count in (1, 2):
        assert opened(model).cut(["MY"]) and len(loads) == count
    assert not note_path(model / "tokenizer.json").exists()


def test_added_tokens_are_found_in_plain_words(model: Path) -> None:
    path = str(model / "tokenizer.json")
    tokenizer = Tokenizer.from_file(path)
    tokenizer.add_tokens([AddedToken("Acme", normalized=False), AddedToken("##x")])
    tokenizer.save(path)
    for _ in range(2):
        words = ["xAcme", "AcmeAcme", "a##x", "Ac", "acme"]
        found = opened(model)
        assert found.cut(words) == found.vocabulary.cut(words)


def test_without_a_cache_every_start_loads_it(
    model: Path, loads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINNER_CACHE_DIR", os.devnull + "/none")
    for _ in range(2):
        opened(model)
    assert len(loads) == 2
