"""minner.compat.pipeline for RoBERTa, XLM-R and CamemBERT, whose wordpieces mark no parts of words.

Models and tokenizers are random ones, saved by transformers; results are compared live.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minner
from minner.compat import pipeline
from saved_by_transformers import save_random
from subwords import write_subword_tokenizer
from test_huggingface import PARAGRAPH, SENTENCES, STRATEGIES, TEXTS, assert_same
from test_subword_tokenizers import FORMS, written

pytestmark = pytest.mark.filterwarnings("default", "ignore::minner.MinnerWarning", "ignore:Token")
WHOLE_WORDS = STRATEGIES[2:]
NAMES = [f"{family} {prefix_space}" for family, prefix_space in FORMS]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[minner.Tagger, Any]]:
    """Our model and the pipeline of transformers, by family and whether it puts a space first."""
    transformers = pytest.importorskip("transformers", minversion="5")
    pytest.importorskip("torch")
    made = {}
    for name, (family, prefix_space) in zip(NAMES, FORMS, strict=True):
        directory = tmp_path_factory.mktemp("model")
        size = write_subword_tokenizer(directory, family, prefix_space=prefix_space, max_length=64)
        save_random(directory, family, vocab_size=size, max_positions=64)
        theirs = transformers.pipeline("ner", model=str(directory), device="cpu")
        made[name] = minner.load(directory), theirs
    return made


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", NAMES)
def test_live_texts(name: str, strategy: str, both: Any) -> None:
    ours, theirs = both[name]
    options: dict[str, Any] = {"aggregation_strategy": strategy, "ignore_labels": []}
    texts = [text for text in SENTENCES if text.strip()]
    texts.append("A <mask> of </s> and <s> or <unk> and <mask>.")
    assert_same(pipeline("ner", ours, **options)(texts), theirs(texts, **options))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", NAMES)
def test_live_words_and_windows(name: str, strategy: str, both: Any) -> None:
    ours, theirs = both[name]
    options: dict[str, Any] = {"aggregation_strategy": strategy, "ignore_labels": []}
    pipe = pipeline("ner", ours, **options)
    words = [text.split() for text in SENTENCES if text.strip()]
    call = {"is_split_into_words": True, "delimiter": "  "}
    assert_same(pipe(words, **call), theirs(words, **options, **call))
    if strategy != "none":
        assert_same(pipe(PARAGRAPH, stride=9), theirs(PARAGRAPH, **options, stride=9))


@settings(max_examples=60, deadline=None)
@given(text=TEXTS, strategy=st.sampled_from(STRATEGIES), name=st.sampled_from(NAMES))
def test_live_on_any_text(both: Any, text: str, strategy: str, name: str) -> None:
    ours, theirs = both[name]
    options: dict[str, Any] = {"aggregation_strategy": strategy, "ignore_labels": []}
    assert_same(pipeline("ner", ours, **options)(text), theirs(text, **options))


@pytest.mark.parametrize("name", NAMES)
def test_live_tokenizer_object(name: str, both: Any) -> None:
    """What programs ask a pipeline's tokenizer for."""
    ours, theirs = both[name]
    tokenizer, other = pipeline("ner", ours).tokenizer, theirs.tokenizer
    for role in ("cls_token", "sep_token", "unk_token", "pad_token", "mask_token"):
        assert getattr(tokenizer, role) == getattr(other, role)
        assert getattr(tokenizer, f"{role}_id") == getattr(other, f"{role}_id")
    text = "São <mask> Paulo's"
    assert tokenizer(text) == {key: other(text)[key] for key in tokenizer(text)}
    tokens = tokenizer.tokenize(text)
    assert tokens == other.convert_ids_to_tokens(other(text, add_special_tokens=False).input_ids)
    assert tokenizer.convert_tokens_to_string(tokens) == other.convert_tokens_to_string(tokens)
    assert tokenizer.convert_tokens_to_ids("no wordpiece") == other.convert_tokens_to_ids(
        "no wordpiece"
    )


@pytest.mark.parametrize("name", NAMES)
def test_live_objects_of_transformers(name: str, both: Any) -> None:
    """A model and a tokenizer that a program has loaded with transformers."""
    _, theirs = both[name]
    pipe = pipeline("ner", model=theirs.model, tokenizer=theirs.tokenizer, ignore_labels=[])
    texts = [text for text in SENTENCES if text.strip()]
    assert_same(pipe(texts), theirs(texts, ignore_labels=[]))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies_for_words_warn(strategy: str, tmp_path: Path) -> None:
    written(tmp_path, "roberta")
    pipe = pipeline("ner", minner.load(tmp_path))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pipe("My name", aggregation_strategy=strategy)
    said = [str(warning.message) for warning in caught if "mark the parts" in str(warning.message)]
    assert len(said) == (strategy in WHOLE_WORDS)
    assert all(f"aggregation_strategy={strategy!r}" in message for message in said)


def test_words_are_what_stands_between_spaces(tmp_path: Path) -> None:
    """In `first` and its like; so the full stop is a part of the name before it."""
    written(tmp_path, "roberta")
    pipe = pipeline("ner", minner.load(tmp_path), ignore_labels=[])
    found = pipe("My name is Smith.", aggregation_strategy="first")
    edges = {place for entity in found for place in (entity["start"], entity["end"])}
    assert edges <= {0, 2, 3, 7, 8, 10, 11, 17}
