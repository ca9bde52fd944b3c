"""`minner eval`: reports of guess files, and of models of every scheme."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import minner
from command_line import Capture, Says, assert_fails, run, shell
from minner import cli
from minner.commands import evaluate


def test_eval_of_a_guess_file_equals_the_reference_scorers(capsys: Capture, shared: Path) -> None:
    stored = shared / "conlleval"
    status, out, err = run(capsys, "eval", "--guess", stored / "wikigold-noisy.txt")
    assert (status, err) == (0, "")
    tokens, phrases = (stored / "token-report.txt"), (stored / "conlleval.txt")
    assert out.startswith(tokens.read_text())
    block = out[out.index("processed") :].splitlines(keepends=True)
    assert re.fullmatch(r"accuracy: +\d+\.\d\d%; \(non-O\)\n", block.pop(1))
    assert "".join(block) == phrases.read_text()
    blank = out[len(tokens.read_text()) : out.index("processed")]
    assert blank == "\n"


def test_eval_of_a_model(capsys: Capture, gold: Path, tiny_path: Path) -> None:
    status, out, err = run(capsys, "eval", gold, "--model", tiny_path)
    assert (status, err) == (0, "")
    assert out.split()[:4] == ["precision", "recall", "f1-score", "support"]
    assert "\nprocessed 9 tokens with " in out
    assert "precision: 100.00%; recall: 100.00%; FB1: 100.00\n" in out


def test_eval_as_json(capsys: Capture, gold: Path, tiny_path: Path) -> None:
    status, out, err = run(capsys, "eval", gold, "--model", tiny_path, "--format", "json")
    assert (status, err) == (0, "")
    numbers = json.loads(out)
    assert numbers["tokens"]["count"] == 9
    assert numbers["phrases"]["f1"] == 1.0


@pytest.mark.parametrize(
    ("name", "stored"),
    [("seqeval", "seqeval-default.txt"), ("seqeval-strict", "seqeval-strict-iob2.txt")],
)
def test_eval_as_seqeval(capsys: Capture, shared: Path, name: str, stored: str) -> None:
    folder = shared / "conlleval"
    done = run(capsys, "eval", "--guess", folder / "wikigold-noisy.txt", "--format", name)
    assert done == (0, (folder / stored).read_text(), "")


def write_guesses(path: Path, gold: str, guess: str) -> Path:
    pairs = zip(gold.split(), guess.split(), strict=True)
    path.write_text("".join(f"word\t{a}\t{b}\n" for a, b in pairs))
    return path


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("IOB1", "I-PER I-PER B-PER O I-LOC"),
        ("IOB2", "B-PER I-PER B-PER O B-LOC"),
        ("IOBES", "B-PER E-PER S-PER O S-LOC"),
        ("BILOU", "B-PER L-PER U-PER O U-LOC"),
    ],
)
def test_eval_reads_every_scheme(capsys: Capture, tmp_path: Path, scheme: str, tags: str) -> None:
    path = write_guesses(tmp_path / "guesses", tags, tags)
    status, out, err = run(capsys, "eval", "--guess", path, "--format", "full")
    assert (status, err) == (0, "")
    assert f"== seqeval, strict, {scheme} ==" in out
    status, out, err = run(capsys, "eval", "--guess", path, "--format", "json")
    assert (status, err) == (0, "")
    numbers = json.loads(out)
    for report in (numbers["phrases"], *(numbers[n]["micro_avg"] for n in SEQEVAL)):
        assert report["f1"] == 1.0
    assert numbers["phrases"]["gold"] == 3


SEQEVAL = ("seqeval", "seqeval_strict")


def test_eval_of_two_schemes_in_one_file(tmp_path: Path) -> None:
    """Phrases can be compared; strict scores cannot, or say what they compare."""
    path = write_guesses(tmp_path / "guesses", "B-PER I-PER O", "B-PER E-PER O")
    assert b"FB1: 100.00" in shell('minner eval --guess "$1"', path).stdout
    done = shell('minner eval --guess "$1" --format seqeval-strict 2>&1', path)
    assert done.returncode == 1
    assert b"minner: warning: " in done.stdout
    assert f"{path}: the tag 'E-PER' is not of the scheme IOB2".encode() in done.stdout
    path = write_guesses(tmp_path / "guesses", "I-PER I-PER O", "B-PER I-PER O")
    done = shell('minner eval --guess "$1" --format seqeval-strict', path)
    assert done.returncode == 0
    assert b"the gold tags are IOB1, the guesses look like IOB2" in done.stderr


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("O B-PER I-PER B-LOC I-LOC", "B-PER I-PER O B-LOC"),
        ("O I-PER B-LOC I-LOC", "I-PER I-PER O I-LOC"),
        ("O B-PER E-PER S-LOC", "B-PER E-PER O S-LOC"),
        ("O B-PER L-PER U-LOC", "B-PER L-PER O U-LOC"),
        ("O PER LOC", "PER PER O LOC"),
        ("O I-PER I-LOC", "I-PER I-PER O I-LOC"),
        ("O B-PER M-PER E-PER S-LOC", "B-PER E-PER O S-LOC"),
    ],
    ids=["IOB2", "IOB1", "IOBES", "BILOU", "bare", "IO", "BMES"],
)
def test_eval_of_models_of_every_scheme(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: str, said: str
) -> None:
    """Whatever scheme a model writes, it is compared with the gold as IOB2."""
    monkeypatch.setattr(minner, "load", lambda *_, **__: Says(labels, said))
    path = tmp_path / "gold"
    path.write_text("Ann I-PER\nLee I-PER\nleft O\nParis I-LOC\n")
    status, out, err = run(capsys, "eval", path)
    assert (status, err) == (0, "")
    assert "accuracy: 100.00%; precision: 100.00%; recall: 100.00%; FB1: 100.00" in out


def test_eval_keeps_what_a_model_of_iob2_says(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its I- where B- should be stays a wrong token of a right phrase."""
    says = Says("O B-PER I-PER", "I-PER O")
    monkeypatch.setattr(minner, "load", lambda *_, **__: says)
    path = tmp_path / "gold"
    path.write_text("Ann B-PER\nleft O\n")
    _, out, _ = run(capsys, "eval", path)
    assert "accuracy:  50.00%; precision: 100.00%" in out


def test_eval_of_a_model_that_is_said_to_write_iob1(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its labels are those of IOB2."""
    says = Says("O B-PER I-PER", "I-PER O")
    monkeypatch.setattr(minner, "load", lambda *_, **__: says)
    path = tmp_path / "gold"
    path.write_text("Ann B-PER\nleft O\n")
    _, out, _ = run(capsys, "eval", path, "--decoder", "viterbi-iob1")
    assert "accuracy: 100.00%; precision: 100.00%" in out


def test_eval_of_a_model_of_other_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says = Says("O B-PERSON I-PERSON", "B-PERSON")
    monkeypatch.setattr(minner, "load", lambda *_, **__: says)
    path = tmp_path / "gold"
    path.write_text("Ann B-PER\n")
    with pytest.warns(minner.MinnerWarning, match="has phrases of PER, but the model knows only"):
        evaluate.run(cli._parser().parse_args(["eval", str(path)]))


@pytest.mark.parametrize("content", ["", "\n\n", "-DOCSTART- -X- O O\n\n"])
def test_eval_of_nothing(capsys: Capture, tmp_path: Path, content: str) -> None:
    path = tmp_path / "empty.conll"
    path.write_text(content)
    assert_fails(run(capsys, "eval", path), f"{path} holds no sentences")
    assert_fails(run(capsys, "eval", "--guess", path), f"{path} holds no sentences")


def test_eval_of_a_broken_file(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "broken.conll"
    path.write_text("John B-PER\nSmith\n")
    assert_fails(run(capsys, "eval", path), f"{path}:2: columns: 1")
    path.write_text("John\n")
    assert_fails(run(capsys, "eval", "--guess", path), f"{path}:1: columns: 1", "2 are needed")
