"""The parts of the training recipe that can be wrong without anyone noticing."""

from __future__ import annotations

import math
import random
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from everyday import LIST, read_list

sys.path.append(str(Path(__file__).parents[1] / "training"))

from calibration import (
    Tagged,
    calibration_error,
    fit_temperature,
    ranges,
    reliability_plot,
    scores_of,
)
from data import LABELS, Sample, Sentence, bits, later, sure_names
from invented import Inventor
from sets import CONLL, SETS, allow, options
from vary import Rates, varied

BY_NAME = {data_set.name: data_set for data_set in SETS}


# ---- what a word may be --------------------------------------------------------------------------


def allowed(name: str, words: str, tags: str) -> list[tuple[str, ...]]:
    """The labels that the words of a sentence may have in the set of that name."""
    parts = words.split(), tags.split()
    return [options(BY_NAME[name], *parts, place) for place in range(len(parts[0]))]


def test_conll_says_everything() -> None:
    assert allowed("conll2003", "Ana left French Guiana", "B-PER O B-LOC I-LOC") == [
        ("B-PER",),
        ("O",),
        ("B-LOC",),
        ("I-LOC",),
    ]


def test_a_capital_may_be_a_misc_name_where_a_set_marks_none() -> None:
    unknown = ("O", "B-MISC", "I-MISC")
    assert allowed("btc", "French cheese is good , Ana", "O O O O O B-PER") == [
        unknown,
        ("O",),
        ("O",),
        ("O",),
        ("O",),
        ("B-PER",),
    ]
    assert allowed("btc", "@Ana #Rome http://t.co/AbC I", "O O O O") == [("O",)] * 4
    assert allowed("btc", "Lord of Rings", "O O O") == [unknown] * 3


def test_an_award_of_crossner_is_a_misc_name_and_a_field_may_be_none() -> None:
    assert allowed("crossner", "won the Nobel Prize", "O O B-award I-award") == [
        ("O",),
        ("O",),
        ("B-MISC",),
        ("I-MISC",),
    ]
    assert allowed("crossner", "for Game Theory", "O B-field I-field") == [
        ("O",),
        ("O", "B-MISC"),
        ("O", "I-MISC"),
    ]


def test_the_parties_of_a_contract_may_be_no_names() -> None:
    assert allowed("sec-filings", "the Borrower", "O B-PER") == [("O",), ("O", "B-PER")]


def test_later_wordpieces_stay_inside() -> None:
    assert later(("O", "B-MISC", "I-MISC")) == ["O", "I-MISC", "I-MISC"]
    assert bits(("O", "B-PER")) == 0b11


def test_the_loss_sums_over_what_is_allowed() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from model import partial_loss

    logits = torch.zeros(1, 3, len(LABELS))
    masks = torch.tensor([[bits(("O",)), bits(("O", "B-MISC", "I-MISC")), 0]])
    expected = [math.log(9), math.log(3), 0.0]
    assert partial_loss(logits, masks)[0].tolist() == pytest.approx(expected, abs=1e-6)


# ---- made-up and varied sentences ----------------------------------------------------------------


def test_no_template_has_the_form_of_an_everyday_sentence() -> None:
    def form(sentence: str) -> str:
        return re.sub(r"\{[^}]*\}", "{}", sentence)

    everyday = {form(line) for line in LIST.read_text(encoding="utf-8").splitlines()}
    assert not everyday & {form(template) for template in Inventor().templates}


def test_names_of_templates_are_tagged() -> None:
    inventor, rng = Inventor(), random.Random(0)
    text, names = inventor.fill("Dear {full}, see you in {place} on {day}!", rng)
    assert [kind for _, _, kind in names] == ["PER", "LOC"]
    assert all(text[start:end] in text for start, end, _ in names)
    plain = {text for text, _ in read_list()}
    for _ in range(2000):
        sentence = inventor.sentence(rng)
        assert len(sentence.words) == len(sentence.tags) == len(sentence.options)
        assert " ".join(sentence.words) not in plain


def test_changes_keep_the_tags_of_the_words() -> None:
    words, tags = ["Ana", "Silva", "left", "Rome", "."], ["B-PER", "I-PER", "O", "B-LOC", "O"]
    sentence = allow(Sentence(words, tags), BY_NAME["conll2003"])
    inventor, rng = Inventor(), random.Random(0)
    for _ in range(300):
        new = varied(sentence, Rates(), inventor, rng)
        assert len(new.words) == len(new.options)
        place = [word.lower() for word in new.words].index("rome")
        assert new.options[place] == ("B-LOC",)
        assert new.options[place - 3 : place] == [("B-PER",), ("I-PER",), ("O",)]


def test_other_names_take_the_place_of_known_ones() -> None:
    seen = allow(
        Sentence(["New", "York", "PARIS", "Oslo"], ["B-LOC", "I-LOC", "B-LOC", "O"]), CONLL
    )
    handle = allow(Sentence(["@", "Rome_99"], ["B-PER", "B-PER"]), BY_NAME["btc"])
    assert [name[:2] for name in sure_names(seen)] == [(0, 2), (2, 3)]
    assert sure_names(handle) == []
    inventor, rng = Inventor(), random.Random(0)
    inventor.learn_names([[seen]])
    assert inventor.another("LOC", ["Rome"], rng) == ("New", "York")
    assert inventor.another("LOC", ["ROME"], rng) == ("PARIS",)
    assert inventor.another("ORG", ["Rome"], rng) == ()
    sentence = allow(Sentence(["in", "Rome", "now"], ["O", "B-LOC", "O"]), CONLL)
    new = varied(
        sentence, Rates(**dict.fromkeys(vars(Rates()), 0.0) | {"name": 1.0}), inventor, rng
    )
    assert new.words == ["in", "New", "York", "now"]
    assert new.options == [("O",), ("B-LOC",), ("I-LOC",), ("O",)]


def test_a_batch_holds_its_sequences_and_nothing_where_it_is_padded() -> None:
    pytest.importorskip("torch")
    from text import Text

    samples = [
        Sample([5, 6], [1, 2], [0, 3], [0, 1]),
        Sample([7, 8, 9], [4, 5, 6], [1, 1, 2], [0, 1, 2]),
    ]
    text = Text(Text.arrays(samples))
    assert sorted(row for rows in text.batches(6) for row in rows) == [0, 1]
    assert [len(rows) for rows in text.batches(5)] == [1, 1]
    batch = text.batch([1, 0])
    assert batch.ids.tolist() == [[7, 8, 9], [5, 6, 0]]
    assert batch.mask.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch.allowed.tolist() == [[4, 5, 6], [1, 2, 0]]
    assert batch.first.tolist() == [[False, True, False], [False, True, False]]


# ---- calibration ---------------------------------------------------------------------------------


def tagged(probability: float, right: bool) -> Tagged:
    """One word, tagged B-PER with a probability."""
    chances = np.array([[probability, 1 - probability]], dtype=np.float32)
    return Tagged(["B-PER" if right else "O"], ["B-PER"], np.log(chances))


def test_calibration_error_is_the_gap_between_score_and_share() -> None:
    sentences = [tagged(0.95, True)] * 3 + [tagged(0.95, False)] + [tagged(0.55, True)] * 4
    scores = scores_of(sentences)
    assert calibration_error(scores) == pytest.approx((4 * 0.2 + 4 * 0.45) / 8, abs=1e-6)
    assert [part.count for part in ranges(scores) if part] == [4, 4]


def test_the_temperature_makes_scores_what_they_say() -> None:
    sentences = [tagged(0.99, place % 5 > 0) for place in range(50)]
    temperature = fit_temperature(sentences)
    assert scores_of(sentences, temperature)[:, 0].mean() == pytest.approx(0.8, abs=0.01)


def test_the_plot_is_well_formed() -> None:
    from xml.etree import ElementTree

    scores = scores_of([tagged(0.95, place % 4 > 0) for place in range(20)])
    plot = ElementTree.fromstring(reliability_plot({"dev": scores}))
    assert any("dev" in (part.text or "") for part in plot.iter())
