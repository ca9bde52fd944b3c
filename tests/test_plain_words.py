"""Plain words, which the model of a tokenizer cuts alone, get the wordpieces of the tokenizer."""

from __future__ import annotations

import json
import string
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

import minner
from checkpoints import VOCABULARY, write_checkpoint
from minner.tagger import Tagger
from minner.weights.plain_words import plain_cutter
from minner.weights.tokenizer import Vocabulary

PLAIN = string.ascii_letters + string.digits + string.punctuation


@pytest.fixture(scope="module")
def vocabularies(tmp_path_factory: pytest.TempPathFactory, embedded: Tagger) -> list[Vocabulary]:
    """Of the embedded model, a cased one, an uncased one, and one with a very long wordpiece."""
    found = [embedded.vocabulary]
    for lowercase in (False, True):
        folder = tmp_path_factory.mktemp("models")
        vocab = [*VOCABULARY, "a" * 101, "b" * 100]
        write_checkpoint(folder, lowercase=lowercase, vocab=vocab)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(minner.load(folder).vocabulary)
    assert [one.lowercase for one in found[1:]] == [False, True]
    return found


WORDS = st.one_of(
    st.text(PLAIN, max_size=12),
    st.sampled_from(
        ["John", "JOHNSON", "Johnsons", "works", "UNK", "a" * 101, "b" * 100, "b" * 99]
    ),
    st.text(max_size=6),
)


@given(st.lists(WORDS, min_size=1, max_size=30))
def test_plain_words_have_their_wordpieces(
    vocabularies: list[Vocabulary], words: list[str]
) -> None:
    for vocabulary in vocabularies:
        found = vocabulary.plain_words(words)
        assert {*found} == {word for word in words if word and {*word} <= {*PLAIN} - {"["}}
        for word, ids in found.items():
            assert list(ids) == vocabulary.encode_words([word]).ids


def test_every_wordpiece_of_the_embedded_model(embedded: Tagger) -> None:
    vocabulary = embedded.vocabulary
    words = [word for word in vocabulary.tokenizer.get_vocab() if not word.startswith("##")]
    found = vocabulary.plain_words(words)
    assert len(found) > 10_000
    encoding = vocabulary.encode_words([*found])
    assert encoding.ids == [index for ids in found.values() for index in ids]


def changed(tokenizer: Tokenizer, part: str, value: Any) -> Tokenizer:
    copy = Tokenizer.from_str(tokenizer.to_str())
    setattr(copy, part, value)
    return copy


def test_other_tokenizers_keep_their_words(tiny: Tagger) -> None:
    """What could do something else to a plain word than BERT's parts do."""
    tokenizer = tiny.vocabulary.tokenizer
    assert plain_cutter(tokenizer)(["Smiths"])
    for part, value in (
        ("normalizer", None),
        ("normalizer", normalizers.Lowercase()),
        ("pre_tokenizer", pre_tokenizers.WhitespaceSplit()),
        ("pre_tokenizer", None),
    ):
        assert not plain_cutter(changed(tokenizer, part, value))(["Smiths"])
    for token, is_plain in (("[E1]", True), ("Smith", False), ("é", False)):
        copy = changed(tokenizer, "normalizer", tokenizer.normalizer)
        copy.add_tokens([AddedToken(token, normalized=True)])
        assert bool(plain_cutter(copy)(["Smiths"])) == is_plain
    assert not plain_cutter(Tokenizer(BPE()))(["Smiths"])


def test_an_id_that_the_embeddings_lack_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, vocab=VOCABULARY)
    path = tmp_path / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["model"]["vocab"]["London"]
    content["model"]["vocab"]["Zurich"] = len(VOCABULARY) + 5
    path.write_text(json.dumps(content), encoding="utf-8")
    ner = minner.load(tmp_path)
    assert ner("Paris") is not None
    with pytest.raises(minner.MinnerError, match="the tokenizer gave id"):
        ner("Paris and Zurich")
