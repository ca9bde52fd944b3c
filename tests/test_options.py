"""The options of `minner.load`: what they accept, and how they fit a model."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minner
from checkpoints import write_checkpoint
from minner.errors import MinnerError
from minner.options import LOADING, OPTION_NAMES, Options
from minner.tagger import Tagger


def test_load_has_the_same_options_and_defaults() -> None:
    parameters = inspect.signature(minner.load).parameters
    for field in fields(Options):
        assert parameters[field.name].default == field.default
    others = {"model", *LOADING, "misspelt"}
    assert set(parameters) == others | set(OPTION_NAMES)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ignore_labels": ["O"]},
        {"ignore_labels": np.array([], dtype=str)},
        {"label_map": {}},
        {"min_score": 0},
    ],
)
def test_what_asks_for_nothing_is_default(options: dict[str, Any]) -> None:
    assert Options(**options) == Options()


@pytest.mark.parametrize(
    "options",
    [{"labels": ["PER"]}, {"offsets": "utf8"}, {"inclusive_ends": True}],
)
def test_what_asks_for_something_is_not(options: dict[str, Any]) -> None:
    assert Options(**options) != Options()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decoder": "crf"}, "decoder 'crf' is not available; choose from: conlleval, "),
        ({"decoder": None}, "decoder None is not available"),
        ({"decoder": ["iob2"]}, "decoder ['iob2'] is not available"),
        ({"word_strategy": "last"}, "choose from: first, average, max"),
        ({"on_long": "cut"}, "choose from: window, error, truncate"),
        ({"offsets": "bytes"}, "choose from: codepoints, utf8, utf16"),
        ({"inclusive_ends": 1}, "inclusive_ends must be True or False, not 1"),
        ({"min_score": 1.5}, "min_score must be a number from 0 to 1, not 1.5"),
        ({"min_score": float("nan")}, "not nan"),
        ({"min_score": "0.5"}, "not '0.5'"),
        ({"labels": "PER"}, "labels must be a list of labels such as ['PER'], not 'PER'"),
        ({"labels": []}, "labels names no label; name one, or leave it out for all labels"),
        ({"labels": ()}, "labels names no label"),
        ({"labels": iter(())}, "labels names no label"),
        ({"labels": {}}, "labels names no label"),
        ({"labels": [1]}, "labels must hold labels such as 'PER', not 1"),
        ({"labels": [["PER"]]}, "labels must hold labels such as 'PER', not ['PER']"),
        ({"ignore_labels": None}, "ignore_labels must be a list of labels"),
        ({"label_map": ["PER"]}, "label_map must map labels to labels"),
        ({"label_map": {"PER": 1}}, "label_map must map labels to labels"),
        # and those that need a model
        ({"labels": ["PERSON"]}, "labels names 'PERSON', but the labels are: LOC, MISC, ORG, PER"),
        ({"labels": ["B-PER"]}, "labels names 'B-PER', but"),
        ({"ignore_labels": ["GPE"]}, "ignore_labels names 'GPE', but"),
        ({"label_map": {"GPE": "LOC"}}, "label_map names 'GPE', but"),
        ({"label_map": {"PER": "P"}, "labels": ["PER"]}, "the labels are: LOC, MISC, ORG, P"),
        (
            {"decoder": "iobes"},
            "decoder 'iobes' reads IOBES, BILOU tags only, but the",
        ),
    ],
)
def test_bad_options(tiny: Tagger, tiny_path: Path, options: dict[str, Any], message: str) -> None:
    for call in (tiny.with_options, lambda **given: minner.load(tiny_path, **given)):
        with pytest.raises(MinnerError) as caught:
            call(**options)
        assert message in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "decoder", "fits"),
    [
        ("O B-PER I-PER", "viterbi", True),
        ("O B-PER I-PER", "viterbi-iob1", True),
        ("O I-PER I-LOC", "viterbi", True),
        ("O I-PER I-LOC", "iob2", False),
        ("O PER LOC", "viterbi", True),
        ("O PER LOC", "iob2", False),
        ("O B-PER E-PER S-PER", "viterbi", True),
        ("O B-PER E-PER S-PER", "iobes", True),
        ("O B-PER L-PER U-PER", "bilou", True),
        ("O B-PER E-PER S-PER", "iob2", False),
        ("O B-PER E-PER S-PER", "viterbi-iob1", False),
        ("O I-PER E-PER", "viterbi", True),
        ("O I-PER E-PER", "conlleval", True),
        ("B-PER E-PER", "viterbi", False),
    ],
)
@pytest.mark.filterwarnings("ignore:.*no label starts with")
def test_decoders_fit_labels(tmp_path: Path, labels: str, decoder: str, fits: bool) -> None:
    names = labels.split()
    path = write_checkpoint(
        tmp_path / "model",
        n_labels=len(names),
        id2label={str(i): name for i, name in enumerate(names)},
        label2id=None,
    )
    if fits:
        text = "John Smith lives in London and Paris."
        assert isinstance(minner.load(path, decoder=decoder)(text), list)
    else:
        with pytest.raises(MinnerError, match=f"decoder '{decoder}'"):
            minner.load(path, decoder=decoder)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("decodr", "there is no option 'decodr'; did you mean 'decoder'?"),
        ("min_scores", "there is no option 'min_scores'; did you mean 'min_score'?"),
        ("zzz", "there is no option 'zzz'; choose from: "),
    ],
)
def test_misspelt_options(tiny: Tagger, tiny_path: Path, option: str, message: str) -> None:
    load: Any = minner.load  # a type checker sees the mistake as well
    for call in (tiny.with_options, lambda **given: load(tiny_path, **given)):
        with pytest.raises(MinnerError) as caught:
            call(**{option: 1})
        assert str(caught.value).startswith(message)


def test_what_is_loaded_cannot_change(tiny: Tagger, tiny_path: Path) -> None:
    for option in LOADING:
        with pytest.raises(MinnerError, match=f"^{option} cannot change in a loaded model"):
            tiny.with_options(**{option: None})
    load: Any = minner.load
    with pytest.raises(MinnerError, match="did you mean 'precision'"):
        load(tiny_path, precison="int8")


def test_an_error_is_a_value_error(tiny: Tagger) -> None:
    with pytest.raises(ValueError, match="min_score"):
        tiny.with_options(min_score=2)
