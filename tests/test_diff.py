"""Comparisons: which places differ, and `minner diff`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from command_line import Capture, assert_fails, run
from minner.commands import diff
from minner.compare import Comparison, Place
from minner.document import Document
from minner.entity import Entity
from minner.tagger import Tagger
from minner.text.wordpieces import Wordpieces
from minner.text.words import split_words

TEXT = "Ann Lee met Bob of Acme in Rome"


def document(*found: str, score: float = 0.5) -> Document:
    """A reading of TEXT with entities such as `PER:Ann Lee`; its tags are all `O`."""
    words = split_words(TEXT)
    entities = []
    for one in found:
        label, name = one.split(":")
        start = TEXT.index(name)
        entities.append(Entity(name, label, start, start + len(name), score))
    return Document(
        text=TEXT,
        words=words,
        tags=["O"] * len(words),
        scores=np.linspace(0.1, 0.8, len(words), dtype=np.float32),
        entities=entities,
        labels=("O",),
        probabilities=np.ones((len(words), 1), dtype=np.float32),
        wordpieces=Wordpieces(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.intp)),
        windows=[],
        cut=0,
    )


def show(place: Place) -> str:
    sides = [[f"{one.label}:{one.text}" for one in side.entities] for side in (place.a, place.b)]
    return f"{' '.join(place.words)}: {sides[0]} {sides[1]}"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([], [], []),
        (["PER:Ann Lee", "LOC:Rome"], ["PER:Ann Lee", "LOC:Rome"], []),
        (["PER:Ann Lee", "LOC:Rome"], ["LOC:Rome"], ["Ann Lee: ['PER:Ann Lee'] []"]),
        ([], ["LOC:Rome"], ["Rome: [] ['LOC:Rome']"]),
        (["ORG:Bob"], ["PER:Bob"], ["Bob: ['ORG:Bob'] ['PER:Bob']"]),
        (["PER:Ann Lee"], ["PER:Ann"], ["Ann Lee: ['PER:Ann Lee'] ['PER:Ann']"]),
        (
            ["PER:Ann Lee", "PER:Bob"],
            ["PER:Ann", "PER:Lee", "LOC:Rome"],
            [
                "Ann Lee: ['PER:Ann Lee'] ['PER:Ann', 'PER:Lee']",
                "Bob: ['PER:Bob'] []",
                "Rome: [] ['LOC:Rome']",
            ],
        ),
        (
            ["PER:Lee met", "PER:Bob of"],
            ["PER:Ann Lee", "PER:met Bob"],
            ["Ann Lee met Bob of: ['PER:Lee met', 'PER:Bob of'] ['PER:Ann Lee', 'PER:met Bob']"],
        ),
        # Entities that touch are two places.
        (["PER:Ann"], ["PER:Lee"], ["Ann: ['PER:Ann'] []", "Lee: [] ['PER:Lee']"]),
    ],
)
def test_places(a: list[str], b: list[str], expected: list[str]) -> None:
    comparison = Comparison()
    assert [show(place) for place in comparison.add(document(*a), document(*b))] == expected
    same = len(set(a) & set(b))
    assert (comparison.texts, comparison.a, comparison.b) == (1, len(a), len(b))
    assert (comparison.same, comparison.places) == (same, len(expected))


def test_gold_says_who_is_right() -> None:
    comparison = Comparison()
    gold = ["B-PER", "I-PER", "O", "B-PER", "O", "B-ORG", "O", "B-LOC"]
    a = document("PER:Ann Lee", "ORG:Bob", "ORG:Acme", score=0.9)
    b = document("PER:Ann", "PER:Lee", "PER:Bob", "ORG:Acme")
    first, second = comparison.add(a, b, gold)
    assert [(one.label, one.text) for one in first.gold or []] == [("PER", "Ann Lee")]
    assert [(one.label, one.text) for one in second.gold or []] == [("PER", "Bob")]
    assert (comparison.a_right, comparison.b_right) == (1, 1)
    assert comparison.largest_score_difference == pytest.approx(0.4)
    comparison.add(b, b, gold)
    assert (comparison.texts, comparison.places, comparison.same) == (2, 2, 5)


# ---- the command --------------------------------------------------------------------------------

LONG = " ".join(f"Smith{i} lives in Paris" for i in range(40))


def test_diff_of_decoders(capsys: Capture, tiny: Tagger, tiny_path: Path) -> None:
    sides = (str(tiny_path), f"{tiny_path},iob2")
    status, out, err = run(capsys, "diff", *sides, "", LONG)
    assert (status, err) == (0, "")
    header, *rows, blank, counts, places = out.splitlines()
    assert header.split() == ["TEXT", "SIDE", "START", "END", "LABEL", "SCORE", "ENTITY"]
    ours, theirs = tiny(LONG), tiny.with_options(decoder="iob2")(LONG)
    found = [row.split(maxsplit=6) for row in rows]
    assert {row[0] for row in found} == {"2"}
    only = [e for e in ours if e not in theirs]
    assert [row[2:] for row in found if row[1] == "A" and row[4] != "-"] == [
        [str(e.start), str(e.end), e.label, f"{e.score:.3f}", e.text] for e in only
    ]
    dropped = next(row for row in found if row[1] == "B" and row[4] == "-")
    assert "/I-" in dropped[6]
    assert blank == ""
    assert counts.startswith(f"2 texts: A found {len(ours)} entities, B {len(theirs)}, ")
    assert (
        places == f"places that differ: {len({(row[0], row[2]) for row in found if row[1] == 'A'})}"
    )


def test_diff_as_json(capsys: Capture, tiny: Tagger, tiny_path: Path, tmp_path: Path) -> None:
    gold = tmp_path / "gold.conll"
    words, tags = LONG.split(), tiny.tag(LONG.split())
    gold.write_text("".join(f"{word} {tag}\n" for word, tag in zip(words, tags, strict=True)))
    sides = (f"model={tiny_path}", f"model={tiny_path},word-strategy=max")
    status, out, err = run(capsys, "diff", *sides, "--conll", gold, "--format", "json")
    assert (status, err) == (0, "")
    record = json.loads(out)
    counts, places = record["counts"], record["places"]
    assert counts["texts"] == 1
    assert counts["places"] == len(places) == counts["a_right"] > 0
    assert counts["b_right"] == 0
    for place in places:
        assert place["a"]["entities"] != place["b"]["entities"]
        assert len(place["words"]) == len(place["a"]["tags"]) == len(place["b"]["scores"])
        golden = [(one["start"], one["end"], one["label"]) for one in place["gold"]]
        of_a = [(one["start"], one["end"], one["label"]) for one in place["a"]["entities"]]
        assert golden == of_a


def test_diff_without_gold_has_no_judge(capsys: Capture, tiny_path: Path) -> None:
    sides = (tiny_path, f"{tiny_path},min-score=0.9")
    status, out, _ = run(capsys, "diff", *sides, "--format", "json", LONG)
    record = json.loads(out)
    assert status == 0
    assert "a_right" not in record["counts"]
    assert record["places"] and all(place["gold"] is None for place in record["places"])


@pytest.mark.parametrize(
    ("texts", "counts"),
    [
        ([], "0 texts: A found 0 entities, B 0, 0 of them the same, with scores up to 0 apart"),
        ([""], "1 text: A found 0 entities, B 0, 0 of them the same, with scores up to 0 apart"),
    ],
)
def test_diff_of_nothing(
    capsys: Capture, tiny_path: Path, tmp_path: Path, texts: list[str], counts: str
) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"{text}\n" for text in texts))
    status, out, err = run(capsys, "diff", tiny_path, f"{tiny_path},viterbi", "-f", path)
    assert (status, err) == (0, "")
    assert out.splitlines()[1:] == ["", counts, "places that differ: 0"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("default", {}),
        ("viterbi", {"decoder": "viterbi"}),
        ("float32", {"precision": "float32"}),
        ("int8", {"precision": "int8"}),
        ("owner/name", {"model": "owner/name"}),
        ("./viterbi", {"model": "./viterbi"}),
        ("model=viterbi", {"model": "viterbi"}),
        (
            " a/b , iob2, word-strategy = max,on_long=error ,min-score=0.5",
            {
                "model": "a/b",
                "decoder": "iob2",
                "word_strategy": "max",
                "on_long": "error",
                "min_score": 0.5,
            },
        ),
    ],
)
def test_ways_of_reading(given: str, expected: dict[str, object]) -> None:
    defaults = {
        "model": None,
        "precision": "float32",
        "decoder": "conlleval",
        "word_strategy": "first",
        "on_long": "window",
        "min_score": 0.0,
    }
    assert diff._parse("A", given) == defaults | expected


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        (("default", "default"), "A and B are the same"),
        (("conlleval", "default"), "A and B are the same"),
        (("decoder=iob2", " decoder = iob2"), "A and B are the same"),
        (("min_score=0", "float32"), "A and B are the same"),
        (("colour=red", "default"), "A: 'colour=red' has none of the keys model, precision, "),
        (("default", "offsets=utf8"), "B: 'offsets=utf8' has none of the keys model"),
        (("default", "min_score=high"), "B: 'high' is no number"),
        (("default", "model=/no/such/model"), "there is no directory '/no/such/model'"),
        (("/no/such/model", "default"), "there is no directory '/no/such/model'"),
        (("default", ""), "'' is neither a directory nor the name of"),
        (("default", "decoder=crf"), "decoder 'crf' is not available"),
    ],
)
def test_bad_sides(capsys: Capture, embedded: Tagger, sides: Sequence[str], message: str) -> None:
    assert_fails(run(capsys, "diff", *sides, "John"), message)


@pytest.mark.parametrize(
    "arguments",
    [(), ("viterbi",), ("default", "x", "John", "--conll", "file"), ("default", "x", "-f")],
)
def test_wrong_usage(capsys: Capture, arguments: tuple[str, ...]) -> None:
    status, out, err = run(capsys, "diff", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("usage: minner diff")
