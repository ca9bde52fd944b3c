"""`minner eval`: labels and columns of files, and the data sets that there are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

import minner
from command_line import Capture, Says, assert_fails, guess_file, run, shell
from minner import cli
from minner.commands import evaluate


def test_labels_are_renamed_and_chosen(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "guesses"
    gold = "B-person I-group I-corporation I-corporation O I-product 0"
    guess = "B-PER I-ORG B-ORG I-ORG O B-MISC O"
    path.write_text(guess_file([gold], [guess]))
    names = "person=PER,group=ORG,corporation=ORG,product=MISC,0=O"
    done = run(capsys, "eval", "--guess", path, "--label-map", names, "--format", "json")
    numbers = json.loads(done[1])["phrases"]
    assert (done[2], numbers["gold"], numbers["f1"]) == ("", 4, 1.0)
    assert numbers["labels"]["ORG"]["correct"] == 2  # two that touch stay two under one name
    done = run(
        capsys,
        "eval",
        "--guess",
        path,
        "--label-map",
        names,
        "--labels",
        "PER,",
        "--format",
        "json",
    )
    assert list(json.loads(done[1])["phrases"]["labels"]) == ["PER"]
    done = run(capsys, "eval", "--guess", path, "--label-map", names, "--labels", "PRE")
    assert_fails(done, "have 'PRE'; there are: MISC, ORG, PER")


def test_labels_of_a_model(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of more types than the file: what it says of the others is no mistake."""
    says = Says("O B-PER I-PER B-MISC I-MISC", "B-PER B-MISC O")
    monkeypatch.setattr(minner, "load", lambda *_, **__: says)
    path = tmp_path / "gold"
    path.write_text("Ann B-person\nFrench O\nleft O\n")
    _, out, _ = run(capsys, "eval", path, "--label-map", "person=PER")
    assert "found: 2 phrases; correct: 1." in out
    _, out, _ = run(capsys, "eval", path, "--label-map", "person=PER", "--labels", "PER")
    assert "found: 1 phrases; correct: 1." in out


def test_warnings_stay_short(tmp_path: Path) -> None:
    path = tmp_path / "guesses"
    odd = [f"{i}" for i in range(400)]
    path.write_text(guess_file(["B-PER " + " ".join(odd)], ["B-PER " + " ".join(odd)]))
    done = shell('minner eval --guess "$1"', path)
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 2 and all(len(line) < 250 for line in lines)
    assert "0, 1, 2, 3, 4 and 395 more" in lines[0]


def test_two_columns_of_words_and_tags(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("Ann B-PER\nleft O\n")
    assert_fails(run(capsys, "eval", "--guess", path), "does not hold tags: Ann, left")


UNER = """\
# newdoc id = x
# sent_id = 1
# text = Go
1\tGo\tO\t-\t-

# text = Ann's in Bath
1-2\tAnn's\t_\t-\t-
1\tAnn\tB-PER\t-\tann
2\t's\tO\t-\t-
2.1\t_\t_\t-\t-
3\t#\tO\t-\t-
4\tBath\tB-LOC\t-\tann
"""


def test_columns(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layout of Universal NER, and of CoNLL-U Plus, which names its columns."""
    seen = []

    class Reads(Says):
        def pipe_tags(self, sentences: Iterable[Sequence[str]]) -> Iterator[list[str]]:
            seen[:] = [list(words) for words in sentences]
            return ([self.tags[i] for i in range(len(words))] for words in seen)

    monkeypatch.setattr(minner, "load", lambda *_, **__: Reads("O B-PER B-LOC", "B-PER O O B-LOC"))
    path = tmp_path / "file.iob2"
    named = UNER.replace("# newdoc id = x", "# global.columns = ID FORM NER SCORE BY")
    for text, arguments in [
        (UNER, ["--gold-column", 3]),
        (UNER, ["--gold-column", -3, "--word-column", 2]),
        (named, ["--gold-column", "NER"]),
    ]:
        path.write_text(text)
        status, out, err = run(capsys, "eval", path, *arguments)
        assert (status, err) == (0, "")
        assert seen == [["Go"], ["Ann", "'s", "#", "Bath"]]
        assert "found: 3 phrases; correct: 2." in out
    assert_fails(run(capsys, "eval", path, "--gold-column", "TAG"), "no column 'TAG'", "ID, FORM")
    assert_fails(run(capsys, "eval", path, "--gold-column", 6), "no column 6; it has 5")


@pytest.mark.parametrize(
    ("file", "arguments", "sentences", "labels"),
    [
        ("wnut17/emerging.dev.conll", [], 1009, 6),
        ("wnut17/wnut17train.conll", [], 3394, 6),
        ("btc/btc.dev", [], 1001, 3),
        ("crossner/ai-dev.txt", [], 350, 14),
        ("uner-ewt/en_ewt-ud-dev.iob2", ["--gold-column", "3"], 2001, 3),
        ("sec-filings/FIN3.txt", [], 303, 4),
        ("wikigold/wikigold.conll.txt", [], 1696, 4),
        ("conll2003/eng.testa", [], 3250, 4),
    ],
)
def test_the_shared_data_sets(
    capsys: Capture,
    shared: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    arguments: list[str],
    sentences: int,
    labels: int,
) -> None:
    """Counts of sentences and types as their papers and READMEs have them."""
    read = []

    class Nothing(Says):
        def pipe_tags(self, sentences: Iterable[Sequence[str]]) -> Iterator[list[str]]:
            read[:] = [*map(list, sentences)]
            return (["O"] * len(words) for words in read)

    monkeypatch.setattr(minner, "load", lambda *_, **__: Nothing("O B-X I-X", ""))
    arguments = [*arguments, "--format", "json"]
    with pytest.warns(minner.MinnerWarning, match="the model knows only X"):
        evaluate.run(cli._parser().parse_args(["eval", str(shared / file), *arguments]))
    assert len(read) == sentences
    assert len(json.loads(capsys.readouterr().out)["phrases"]["labels"]) == labels
