"""Spark NLP's rules for RoBERTa, XLM-RoBERTa and CamemBERT: what is seen of a token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minner
from families import write_family
from minner.sparknlp import LightPipeline
from minner.sparknlp.byte_pairs import BytePairEncoder, first_part
from minner.sparknlp.sentencepiece import SentencePieceEncoder
from minner.tagger import Tagger
from test_subword_tokenizers import written


@pytest.fixture(scope="module")
def taggers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tagger]:
    made = {}
    for family in ("roberta", "xlm-roberta", "camembert"):
        directory = tmp_path_factory.mktemp("model")
        written(directory, family)
        made[family] = minner.load(directory)
    return made


@pytest.mark.parametrize(
    ("token", "part"),
    [
        ("The", "The"),
        ("AL-AIN", "AL"),
        ("1996-08-22", "1996"),
        ("EU's", "EU"),
        ("'s", "'s"),
        ("'S", "'"),
        ("'sun", "'s"),
        ("$5.00", "$"),
        ("...x", "..."),
        ("São", "São"),
        ("Mu\u0308ller", "Mu"),  # the accent is a mark
        ("東京a", "東京a"),
        ("a½", "a"),
        ("½Ⅷ2", "½Ⅷ2"),
        ("\u00a0a", "\u00a0"),  # no white space for Java
        (" a", " a"),
        ("  a", " "),
        ("   a", "  "),
        ("   ", "   "),
        ("\ta", "\t"),
    ],
)
def test_first_part(token: str, part: str) -> None:
    assert first_part(token) == part


def strings(tagger: Tagger, wordpieces: Any) -> list[str]:
    return [str(tagger.vocabulary.tokenizer.id_to_token(wordpiece.id)) for wordpiece in wordpieces]


def test_byte_pairs(taggers: dict[str, Tagger]) -> None:
    ner = taggers["roberta"]
    encoder = BytePairEncoder(ner.vocabulary, case_sensitive=True)
    start = strings(ner, encoder.encode("The-end", 0))
    later = strings(ner, encoder.encode("The-end", 4))
    assert "".join(start) == "The"
    # The sign for a space comes after the merges, so that what no vocabulary has is unknown.
    assert later in (["Ġ" + start[0], *start[1:]], ["<unk>", *start[1:]])
    assert list(encoder.encode("", 4)) == list(encoder.encode(" ", 4)) == []
    [unknown] = encoder.encode("\x01", 4)
    assert (unknown.id, unknown.offset) == (ner.vocabulary.unk_id, -4)
    lower = BytePairEncoder(ner.vocabulary, case_sensitive=False)
    assert [*lower.encode("THE", 0)] == [*encoder.encode("the", 0)]


def test_offsets_of_byte_pairs_are_in_bytes(taggers: dict[str, Tagger]) -> None:
    encoder = BytePairEncoder(taggers["roberta"].vocabulary, case_sensitive=True)
    wordpieces = list(encoder.encode("북북", 0))  # six bytes that nothing was merged of
    assert [wordpiece.offset for wordpiece in wordpieces] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("family", "keeps"), [("xlm-roberta", False), ("camembert", True)])
def test_sentencepiece(family: str, keeps: bool, taggers: dict[str, Tagger]) -> None:
    ner = taggers[family]
    encoder = SentencePieceEncoder(ner.vocabulary, case_sensitive=True, keeps_spaces=keeps)
    wordpieces = list(encoder.encode("\u5317AIN", 4))  # no word of the vocabulary begins with it
    assert (strings(ner, wordpieces)[0] == "▁") is keeps
    assert wordpieces[0].offset == 0
    assert all(4 + wordpiece.offset < 0 for wordpiece in wordpieces[1:])


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta", "camembert"])
def test_every_token_is_tagged_by_its_first_wordpiece(
    family: str, taggers: dict[str, Tagger]
) -> None:
    ner = taggers[family]
    [columns] = LightPipeline(ner).fullAnnotate("The first entity, of a text.")
    tokens, tags = columns["token"], columns["ner"]
    encode = {
        "roberta": BytePairEncoder(ner.vocabulary, case_sensitive=True).encode,
        "xlm-roberta": SentencePieceEncoder(
            ner.vocabulary, case_sensitive=True, keeps_spaces=False
        ).encode,
        "camembert": SentencePieceEncoder(
            ner.vocabulary, case_sensitive=True, keeps_spaces=True
        ).encode,
    }[family]
    ids, firsts = [ner.vocabulary.cls_id], []
    for token in tokens:
        firsts.append(len(ids))
        ids += [wordpiece.id for wordpiece in encode(token["result"], token["begin"])]
    ids.append(ner.vocabulary.sep_id)
    [logits] = ner.logits([np.array(ids, np.int32)])
    expected = [ner.labels[best] for best in logits[firsts].argmax(axis=1)]
    assert [tag["result"] for tag in tags] == expected
    assert [tag["begin"] for tag in tags] == [token["begin"] for token in tokens]


@given(text=st.text(max_size=40))
def test_any_text(taggers: dict[str, Tagger], text: str) -> None:
    for ner in taggers.values():
        [columns] = LightPipeline(ner).fullAnnotate(text)
        begins = {token["begin"] for token in columns["token"]}
        assert {tag["begin"] for tag in columns["ner"]} <= begins


def test_bert_is_cut_like_distilbert(tmp_path: Path) -> None:
    ner = minner.load(write_family(tmp_path, "bert"))
    [columns] = LightPipeline(ner).fullAnnotate("John Smith works")
    assert len(columns["ner"]) == 3
