"""The rules of `minner tag` on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from command_line import Capture, assert_fails, run, shell
from minner.entity import Entity
from minner.sparknlp import LightPipeline
from minner.streams import TEXTS_PER_BATCH
from minner.tagger import Tagger

TEXT = "Jo\u00ebl " + " ".join(f"Smith{i} lives in 👍 Paris" for i in range(20))


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        (["--decoder", "viterbi"], {"decoder": "viterbi"}),
        (["--word-strategy", "average"], {"word_strategy": "average"}),
        (["--labels", "PER, ORG"], {"labels": ["PER", "ORG"]}),
        (["--ignore-labels", "PER,O"], {"ignore_labels": ["PER"]}),
        (["--label-map", "PER=WHO, LOC = PLACE"], {"label_map": {"PER": "WHO", "LOC": "PLACE"}}),
        (["--label-map", "PER="], {"label_map": {"PER": ""}}),
        (["--min-score", "0.4"], {"min_score": 0.4}),
        (["--offsets", "utf8"], {"offsets": "utf8"}),
        (
            ["--offsets", "utf16", "--inclusive-ends"],
            {"offsets": "utf16", "inclusive_ends": True},
        ),
    ],
)
def test_flags(
    capsys: Capture, tiny: Tagger, tiny_path: Path, flags: list[str], options: dict[str, Any]
) -> None:
    arguments = ("tag", "--model", tiny_path, "--format", "jsonl", *flags, TEXT)
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    found = [Entity(**entity) for entity in json.loads(out)["entities"]]
    assert found == tiny.with_options(**options)(TEXT)
    assert found != tiny(TEXT)


def test_on_long(capsys: Capture, tiny_path: Path) -> None:
    arguments = ("tag", "--model", tiny_path, "--format", "jsonl", TEXT)
    assert_fails(
        run(capsys, *arguments, "--on-long", "error"), "begins 'Jo\u00ebl Smith0", "split it"
    )
    line = 'minner tag --model "$1" --format jsonl --on-long truncate "$2" John'
    done = shell(line, tiny_path, TEXT)
    assert done.returncode == 0
    warning = "minner: warning: of the text that begins 'Jo\u00ebl Smith0 lives"
    assert done.stderr.decode().startswith(warning)
    assert done.stderr.count(b"\n") == 1
    first, _ = map(json.loads, done.stdout.decode().splitlines())
    assert first["entities"][-1]["end"] < len(TEXT) / 2


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        (["--labels", ""], ["labels names no label"]),
        (["--labels", " ,"], ["labels names no label"]),
        (["--labels", "PERSON"], ["labels names 'PERSON', but the labels are: LOC, MISC"]),
        (["--decoder", "iobes"], ["decoder 'iobes' reads IOBES, BILOU tags only"]),
        (["--min-score", "2"], ["min_score must be a number from 0 to 1, not 2.0"]),
        (["--format", "conll", "--labels", "PER"], ["--labels needs another format", "conll"]),
        (["--format", "conll", "--label-map", "PER=P"], ["--label-map needs another format"]),
        (["--format", "sparknlp", "--decoder", "viterbi"], ["--decoder needs another format"]),
        (["--format", "sparknlp", "--on-long", "error"], ["--on-long needs", "rules of its own"]),
        (["--label-map", "PERSON=PER"], ["label_map names 'PERSON', but the labels are: LOC, "]),
        (["--format", "conll", "--decoder", "iob2"], ["--decoder needs another format"]),
        (["--format", "conll", "--offsets", "utf8"], ["--offsets needs another format"]),
    ],
)
def test_flags_that_do_not_fit(
    capsys: Capture, tiny_path: Path, flags: list[str], parts: list[str]
) -> None:
    assert_fails(run(capsys, "tag", "--model", tiny_path, *flags, TEXT), *parts)


def test_words_on_request(capsys: Capture, tiny: Tagger, tiny_path: Path) -> None:
    arguments = ("tag", "--model", tiny_path, "--format", "jsonl-words", "--offsets", "utf8", TEXT)
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    record = json.loads(out)
    document = tiny.with_options(offsets="utf8").document(TEXT)
    assert (record["wordpieces"], record["cut"]) == (len(document.wordpieces.ids), 0)
    assert record["windows"] == len(document.windows) > 1
    assert [word["tag"] for word in record["words"]] == document.tags
    encoded = TEXT.encode()
    for word in record["words"]:
        assert encoded[word["start"] : word["end"]].decode() == word["text"]
        assert list(word["probabilities"]) == list(tiny.labels)
        assert sum(word["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert word["probabilities"][word["tag"]] == pytest.approx(word["score"], abs=1e-6)


def test_annotations_of_spark_nlp(capsys: Capture, tiny: Tagger, tiny_path: Path) -> None:
    texts = [
        "",
        "😀 (John Smith) works for AT&T's.",
        *["Smith lives in London"] * 2 * TEXTS_PER_BATCH,
    ]
    arguments = ("tag", "--model", tiny_path, "--format", "sparknlp", *texts)
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    assert [json.loads(line) for line in out.splitlines()] == LightPipeline(tiny).fullAnnotate(
        texts
    )


def test_conll_takes_what_chooses_tags(capsys: Capture, tiny: Tagger, tiny_path: Path) -> None:
    flags = ("--decoder", "viterbi", "--word-strategy", "max", "--ignore-labels", "O")
    status, out, _ = run(capsys, "tag", "--model", tiny_path, "--format", "conll", *flags, TEXT)
    assert status == 0
    words, tags = zip(*(line.split(" ") for line in out.splitlines() if line), strict=True)
    ner = tiny.with_options(decoder="viterbi", word_strategy="max")
    assert list(tags) == ner.tag(words) != tiny.tag(words)


@pytest.mark.parametrize(
    "flags",
    [["--decoder", "crf"], ["--offsets", "x"], ["--min-score", "x"], ["--label-map", "PER"]],
)
def test_wrong_usage(capsys: Capture, flags: list[str]) -> None:
    status, out, err = run(capsys, "tag", *flags, "John")
    assert (status, out) == (2, "")
    assert err.startswith("usage: minner tag")


def test_eval_takes_what_chooses_tags(capsys: Capture, tiny: Tagger, tiny_path: Path) -> None:
    gold = tiny_path.parent / "viterbi.conll"
    ner = tiny.with_options(decoder="viterbi", word_strategy="max")
    words = TEXT.split()
    lines = [f"{word} {tag}\n" for word, tag in zip(words, ner.tag(words), strict=True)]
    gold.write_text("".join(lines), encoding="utf-8")
    flags = ("--decoder", "viterbi", "--word-strategy", "max")
    scores = {}
    for chosen in (flags, flags[:2], flags[2:], ()):
        _, out, err = run(capsys, "eval", gold, "--model", tiny_path, "--format", "json", *chosen)
        assert err == ""
        scores[chosen] = json.loads(out)["tokens"]["accuracy"]
    assert scores.pop(flags) == 1 > max(scores.values())
    status, _, err = run(capsys, "eval", gold, "--decoder", "iob2")  # would change no tag
    assert (status, err.splitlines()[0][:19]) == (2, "usage: minner eval ")
