"""`minner eval` against the reference scorers, in the notations that they read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import minner
from command_line import Capture, Says, guess_file, run
from golden.make_seqeval import random_corpus

GOLDEN = Path(__file__).parent / "golden"
CONLLEVAL = json.loads((GOLDEN / "conlleval.json").read_text())
SEQEVAL_NOTATIONS = json.loads((GOLDEN / "seqeval_notations.json").read_text())


@pytest.mark.parametrize("name", CONLLEVAL)
def test_eval_equals_the_perl_script(capsys: Capture, tmp_path: Path, name: str) -> None:
    """conlleval.pl of 2004-01-26: `-r`, `-X-` in the first column, brackets, two columns, IOE1."""
    entry = CONLLEVAL[name]
    path = tmp_path / "guesses"
    path.write_text(entry["file"])
    raw = ["--raw"] if "-r" in entry["options"] else []
    status, out, err = run(capsys, "eval", "--guess", path, *raw)
    assert (status, err) == (0, "")
    block = out[out.index("processed") :].splitlines(keepends=True)
    assert "(non-O)" in block.pop(1)
    assert "".join(block) == entry["report"]


@pytest.mark.parametrize("name", SEQEVAL_NOTATIONS)
def test_eval_equals_seqeval(capsys: Capture, tmp_path: Path, name: str) -> None:
    """Seqeval 1.2.2, default mode: `suffix=True`, and labels alone, where neighbours are one."""
    entry = SEQEVAL_NOTATIONS[name]
    path = tmp_path / "guesses"
    path.write_text(guess_file(entry["gold"], entry["guess"]))
    status, out, err = run(capsys, "eval", "--guess", path, "--format", "seqeval")
    assert (status, err) == (0, "")
    if name == "suffix":
        assert out == entry["default"]
    else:  # seqeval takes the first letter off, and sorts what is left
        assert sorted(map(numbers_of, out.splitlines())) == sorted(
            map(numbers_of, entry["default"].splitlines())
        )


def numbers_of(line: str) -> list[str]:
    return line.split()[-4:]


@pytest.mark.parametrize("suffix", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_eval_equals_a_live_seqeval(
    capsys: Capture, tmp_path: Path, seed: int, suffix: bool
) -> None:
    metrics = pytest.importorskip("seqeval.metrics")
    write = "{label}-{prefix}" if suffix else "{prefix}-{label}"
    gold, guess = random_corpus("BIES", seed, write)
    path = tmp_path / "guesses"
    path.write_text(guess_file(map(" ".join, gold), map(" ".join, guess)))
    _, out, _ = run(capsys, "eval", "--guess", path, "--format", "seqeval")
    assert out == metrics.classification_report(gold, guess, digits=4, suffix=suffix)


@pytest.mark.parametrize(
    ("gold", "labels", "said"),
    [
        ("PER PER O LOC", "O B-PER I-PER B-LOC I-LOC", "B-PER I-PER O B-LOC"),
        ("PER PER O LOC", "O PER LOC", "PER PER O LOC"),
        ("PER-B PER-I O LOC-B", "O B-PER I-PER B-LOC I-LOC", "B-PER I-PER O B-LOC"),
        ("B-PER I-PER O B-LOC", "O PER-B PER-I LOC-B LOC-I", "PER-B PER-I O LOC-B"),
        ("I-PER E-PER I-PER O", "O B-PER I-PER", "B-PER I-PER B-PER O"),
    ],
    ids=["bare gold", "both bare", "suffixed gold", "suffixed model", "IOE1"],
)
def test_a_perfect_model_scores_100(
    capsys: Capture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gold: str,
    labels: str,
    said: str,
) -> None:
    monkeypatch.setattr(minner, "load", lambda *_, **__: Says(labels, said))
    path = tmp_path / "gold"
    path.write_text("".join(f"word {tag}\n" for tag in gold.split()))
    status, out, err = run(capsys, "eval", path)
    assert (status, err) == (0, "")
    assert "accuracy: 100.00%; precision: 100.00%; recall: 100.00%; FB1: 100.00" in out


def test_brackets_strictly(capsys: Capture, tmp_path: Path) -> None:
    """conlleval.pl 2004-01-26: each bracket is a phrase. seqeval's schemes have none of them."""
    path = tmp_path / "guesses"
    path.write_text(guess_file(["[-PER ]-PER O", "B-LOC I-LOC"], ["B-PER B-PER O", "B-LOC ]-LOC"]))
    for name in ("seqeval-strict", "full", "json"):
        status, out, err = run(capsys, "eval", "--guess", path, "--format", name)
        assert (status, err) == (0, "")
    strict = json.loads(out)["seqeval_strict"]
    assert strict["scheme"] == strict["guess_scheme"] == "IOB2"
    assert (strict["micro_avg"]["precision"], strict["micro_avg"]["recall"]) == (0.5, 2 / 3)


def test_ioe1_strictly(capsys: Capture, tmp_path: Path) -> None:
    """By its definition (Tjong Kim Sang and Veenstra, 1999): E- only before a phrase it touches."""
    path = tmp_path / "guesses"
    path.write_text(guess_file(["I-PER E-PER I-PER O I-LOC"], ["I-PER E-PER I-PER O E-LOC"]))
    _, out, err = run(capsys, "eval", "--guess", path, "--format", "json")
    strict = json.loads(out)["seqeval_strict"]
    assert (strict["scheme"], err) == ("IOE1", "")
    assert (strict["micro_avg"]["precision"], strict["micro_avg"]["recall"]) == (1.0, 2 / 3)
