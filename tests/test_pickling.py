"""Copies of loaded models: pickled or deeply copied, they are loaded again; else shared."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import minner
from checkpoints import write_checkpoint
from minner.compat import pipeline
from minner.sparknlp import LightPipeline, NerConverter, Tokenizer
from minner.tagger import Tagger

TEXT = "My name is John Smith and works for Acme in London"

MAKERS: dict[str, Callable[[Tagger], Any]] = {
    "tagger": lambda ner: ner,
    "tagger with options": lambda ner: ner.with_options(
        decoder="viterbi", labels=["P", "LOC"], label_map={"PER": "P"}, offsets="utf16"
    ),
    "compat": lambda ner: pipeline("ner", ner, aggregation_strategy="max", stride=3),
    "sparknlp": lambda ner: LightPipeline(
        ner,
        case_sensitive=False,
        max_sentence_length=20,
        tokenizer=Tokenizer(),
        converter=NerConverter(),
    ),
}


def found(model: Any) -> Any:
    return model.fullAnnotate(TEXT) if isinstance(model, LightPipeline) else model(TEXT)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_gives_the_same_bits(tiny: Tagger, name: str, clone: Callable[[Any], Any]) -> None:
    model = MAKERS[name](tiny)
    assert found(clone(model)) == found(model)


@pytest.mark.parametrize("name", MAKERS)
def test_the_weights_are_not_pickled(tiny: Tagger, name: str) -> None:
    assert len(pickle.dumps(MAKERS[name](tiny))) < 2000


@pytest.mark.parametrize("name", MAKERS)
def test_in_another_process(tiny: Tagger, name: str) -> None:
    model = MAKERS[name](tiny)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        # A child that cannot read the model dies, and would be waited for.
        assert pool.apply_async(found, (model,)).get(timeout=300) == found(model)


def test_what_was_loaded_stays(tiny_path: Path) -> None:
    loaded = minner.load(tiny_path, precision="bfloat16", threads=1, lowercase=True)
    again = pickle.loads(pickle.dumps(loaded))
    assert again.vocabulary.lowercase
    assert again("john") == loaded("john")
    ids = [loaded.encode(TEXT)]
    assert again.logits(ids)[0].tobytes() == loaded.logits(ids)[0].tobytes()
    assert again.logits(ids)[0].tobytes() != minner.load(tiny_path).logits(ids)[0].tobytes()


def test_a_relative_path_holds_in_another_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    loaded = pickle.dumps(minner.load("model"))
    monkeypatch.chdir(os.sep)
    assert isinstance(pickle.loads(loaded), Tagger)


def test_a_tokenizer_from_elsewhere(tmp_path: Path, tiny: Tagger, tiny_path: Path) -> None:
    model = write_checkpoint(tmp_path / "model", max_positions=32)
    (model / "tokenizer.json").unlink()
    (model / "tokenizer_config.json").unlink()
    loaded = minner.load(model, tokenizer=tiny_path)
    assert loaded(TEXT) == tiny(TEXT)
    assert pickle.loads(pickle.dumps(loaded))(TEXT) == tiny(TEXT)
    with pytest.raises(minner.MinnerError, match="has no tokenizer"):
        minner.load(model)


def test_the_embedded_model_is_that_of_the_other_side(embedded: Tagger) -> None:
    assert str(Path(minner.__file__).parent) not in str(pickle.dumps(embedded))
    assert pickle.loads(pickle.dumps(embedded))(TEXT) == embedded(TEXT)


def test_a_model_that_is_gone(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "model")
    loaded = pickle.dumps(minner.load(path))
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(minner.MinnerError, match="there is no directory"):
        pickle.loads(loaded)


def test_a_shallow_copy_shares_the_weights(tiny: Tagger) -> None:
    copied = copy.copy(tiny)
    assert vars(copied) == vars(tiny)
    assert copied(TEXT) == tiny(TEXT)
