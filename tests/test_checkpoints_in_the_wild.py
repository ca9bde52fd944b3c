"""Checkpoints as they are met on the Hugging Face Hub, from `minner.load` to entities.

The faults, and the variants of single files, are in the tests of `minner.weights`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minner
from checkpoints import VOCABULARY, edit_json, write_checkpoint, write_json
from minner.tagger import Tagger
from test_parity import assert_close, both

LONG = " ".join(f"John Smith{i} works for Acme in London" for i in range(40))


def quietly(path: Path) -> Tagger:
    """The model, whatever it warns about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", minner.MinnerWarning)
        return minner.load(path)


# ---- config.json --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wordpieces",
    [30, 99, 1124, 28996, 30522, 31102, 37788, 119547],
    ids=["toy", "tiny", "small", "cased", "uncased", "German", "Romanian", "multilingual"],
)
def test_vocabularies(tmp_path: Path, wordpieces: int) -> None:
    vocabulary = [*VOCABULARY, *(f"[unused{i}]" for i in range(len(VOCABULARY), wordpieces))][
        :wordpieces
    ]
    shape = {"dim": 4, "n_heads": 2, "n_layers": 1, "hidden_dim": 3}
    ner = minner.load(write_checkpoint(tmp_path, vocab=vocabulary, **shape))  # type: ignore
    assert ner.config.vocab_size == wordpieces
    assert ner.logits([[0, wordpieces - 1]])[0].shape == (2, 9)
    with pytest.raises(minner.MinnerError, match=f"ids must be from 0 to {wordpieces - 1}"):
        ner.logits([[wordpieces]])
    assert len(ner.tag(["!", "#"])) == 2


def test_the_tiny_random_model_of_hugging_face(tmp_path: Path) -> None:
    """Five layers, a feed-forward width of 37, and a `hidden_act` that means nothing."""
    write_checkpoint(
        tmp_path, n_layers=5, n_heads=4, hidden_dim=37, max_positions=512, hidden_act="gelu"
    )
    ner = minner.load(tmp_path)
    ids = [np.arange(n, dtype=np.int32) % len(VOCABULARY) for n in (1, 37, 512)]
    assert_close(*both(ner._checkpoint, ids), 1e-4)


def test_sinusoidal_positions_and_no_labels(tmp_path: Path) -> None:
    write_checkpoint(
        tmp_path, n_labels=3, sinusoidal_pos_embds=True, id2label=None, label2id=None, num_labels=2
    )
    with pytest.warns(minner.MinnerWarning, match="no label starts with B- or I-"):
        ner = minner.load(tmp_path)
    assert ner.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert_are_chunks(ner, {"LABEL_0", "LABEL_1", "LABEL_2"})


@pytest.mark.parametrize(
    ("labels", "types"),
    [
        ("O B-PER I-PER B-ORG I-ORG B-LOC I-LOC B-MISC I-MISC", "PER ORG LOC MISC"),
        ("O B-LOC I-LOC B-PER B-ORG I-ORG I-PER", "LOC PER ORG"),
        ("O B-DATE I-DATE B-PER I-PER B-ORG I-ORG B-LOC I-LOC", "DATE PER ORG LOC"),
        ("O LOC MISC ORG PER", "LOC MISC ORG PER"),
        (" ".join(f"LABEL_{i}" for i in range(13)), " ".join(f"LABEL_{i}" for i in range(13))),
        ("O B-ORGANISATION I-ORGANISATION B-PERSON I-PERSON", "ORGANISATION PERSON"),
        ("P L M R", "P L M R"),
        ("O B-work-of-art I-work-of-art", "work-of-art"),
    ],
    ids=["elastic", "jumbled", "dates", "bare", "numbered", "long", "letters", "hyphens"],
)
def test_labels(tmp_path: Path, labels: str, types: str) -> None:
    names = labels.split()
    write_checkpoint(
        tmp_path,
        n_labels=len(names),
        # As text sorts them: "0", "1", "10", "11", "2"...
        id2label={str(i): names[i] for i in sorted(range(len(names)), key=str)},
        label2id=None,
    )
    ner = quietly(tmp_path)
    assert ner.labels == tuple(names)
    assert ner.entity_labels == tuple(types.split())
    assert_are_chunks(ner, {*types.split()})


def test_labels_that_are_numbers(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, n_labels=3, id2label={"0": 0, "1": 1, "2": 2}, label2id=None)
    ner = quietly(tmp_path)
    assert ner.labels == ("0", "1", "2")
    assert_are_chunks(ner, {"0", "1", "2"})


def test_label2id_of_another_time(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, label2id={f"LABEL_{i}": i for i in range(9)})
    with pytest.warns(minner.MinnerWarning, match="label2id disagrees with id2label"):
        ner = minner.load(tmp_path)
    assert_are_chunks(ner, {"PER", "ORG", "LOC", "MISC"})


def assert_are_chunks(ner: Tagger, types: set[str]) -> None:
    """Random weights find entities of these types only, where their words have such tags."""
    document = ner.document(LONG)
    assert document.entities == ner(LONG)
    assert document.entities
    for entity in document.entities:
        assert entity.label in types
        assert LONG[entity.start : entity.end] == entity.text
        tags = [
            tag
            for (start, end), tag in zip(document.words, document.tags, strict=True)
            if entity.start <= start and end <= entity.end
        ]
        assert {tag.removeprefix("B-").removeprefix("I-") for tag in tags} == {entity.label}


IGNORED = {
    "_name_or_path": "/home/someone/model",
    "architectures": ["DistilBertForMaskedLM"],
    "attention_dropout": 0.1,
    "chunk_size_feed_forward": 7,
    "dropout": 0.1,
    "finetuning_task": "ner",
    "initializer_range": 0.02,
    "output_hidden_states": True,
    "output_past": True,
    "pad_token_id": 3,
    "qa_dropout": 0.1,
    "seq_classif_dropout": 0.2,
    "tie_weights_": True,
    "tie_word_embeddings": False,
    "torch_dtype": "float16",
    "total_flos": 1e18,
    "transformers_version": "4.2.0",
}


def test_keys_that_change_nothing(tmp_path: Path) -> None:
    plain = minner.load(write_checkpoint(tmp_path / "plain"))
    other = minner.load(write_checkpoint(tmp_path / "other", **IGNORED))  # type: ignore[arg-type]
    assert other(LONG) == plain(LONG)


@pytest.mark.parametrize("positions", [16, 512, 600])
def test_positions_other_than_configured(tmp_path: Path, positions: int) -> None:
    write_checkpoint(tmp_path, max_positions=positions, max_position_embeddings=128)
    with pytest.warns(minner.MinnerWarning, match=f"max_position_embeddings 128 -> {positions}"):
        ner = minner.load(tmp_path)
    document = ner.document(LONG + LONG)
    assert max(window.end - window.start for window in document.windows) == positions - 2


# ---- the tokenizer ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Tagger:
    return minner.load(write_checkpoint(tmp_path_factory.mktemp("plain")))


def write_vocabulary(directory: Path, lines: Sequence[str] = VOCABULARY) -> None:
    (directory / "vocab.txt").write_text("".join(f"{wordpiece}\n" for wordpiece in lines))


def test_the_files_of_elastic(tmp_path: Path, plain: Tagger) -> None:
    """`vocab.txt`, and settings that leave no doubt; no tokenizer.json."""
    (write_checkpoint(tmp_path) / "tokenizer.json").unlink()
    write_vocabulary(tmp_path)
    settings = {
        "do_lower_case": False,
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
        "tokenize_chinese_chars": True,
        "strip_accents": None,
        "model_max_length": 512,
    }
    write_json(tmp_path / "tokenizer_config.json", settings)
    roles = {key: value for key, value in settings.items() if key.endswith("_token")}
    write_json(tmp_path / "special_tokens_map.json", roles)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ner = minner.load(tmp_path)
    assert ner(LONG) == plain(LONG)


def test_a_vocabulary_alone(tmp_path: Path, plain: Tagger) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (write_checkpoint(tmp_path) / name).unlink()
    (tmp_path / "tokenizer.json").unlink()
    write_vocabulary(tmp_path)
    with pytest.warns(minner.MinnerWarning, match="transformers 5 would have lowercase=True"):
        ner = minner.load(tmp_path)
    assert ner(LONG) == plain(LONG)


@pytest.mark.parametrize(
    "name",
    [
        "DistilBertTokenizer",
        "DistilBertTokenizerFast",
        "BertTokenizer",  # which gives token types as well, for other models
        "BertTokenizerFast",
        "PreTrainedTokenizerFast",
        "TokenizersBackend",
        None,
    ],
)
def test_classes_of_tokenizers(tmp_path: Path, plain: Tagger, name: str | None) -> None:
    write_checkpoint(tmp_path)
    edit_json(tmp_path / "tokenizer_config.json", lambda keys: keys.update(tokenizer_class=name))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ner = minner.load(tmp_path)
    assert ner(LONG) == plain(LONG)


@pytest.mark.parametrize(
    ("stated", "size"),
    [({"model_max_length": 32}, 30), ({"model_max_length": 1e30}, 62), ({}, 62)],
)
def test_longest_inputs(tmp_path: Path, stated: dict[str, Any], size: int) -> None:
    write_checkpoint(tmp_path)
    settings = {"tokenizer_class": "DistilBertTokenizer", "do_lower_case": False}
    write_json(tmp_path / "tokenizer_config.json", settings | stated)
    document = minner.load(tmp_path).document(LONG)
    assert max(window.end - window.start for window in document.windows) == size
    assert document.windows[-1].keep_end == len(document.wordpieces.ids)


def test_added_tokens_that_enlarge_the_embeddings(tmp_path: Path) -> None:
    """The files of a model to which `<e1>` was added, and rows for it and seven more."""
    more = [f"[unused{i}]" for i in range(8)]
    write_checkpoint(tmp_path, vocab=[*VOCABULARY, *more], vocab_size=len(VOCABULARY))
    (tmp_path / "tokenizer.json").unlink()
    write_vocabulary(tmp_path)
    write_json(tmp_path / "added_tokens.json", {"<e1>": len(VOCABULARY)})
    with pytest.warns(minner.MinnerWarning, match=f"vocab_size {len(VOCABULARY)} -> "):
        ner = minner.load(tmp_path)
    assert ner.document(["John", "<e1>", "!"]).wordpieces.ids[1] == len(VOCABULARY)
    assert ner.document(["John", "<e2>", "!"]).wordpieces.ids[1] == VOCABULARY.index("<")
