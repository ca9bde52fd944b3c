"""`minner eval`: every notation, every layout, and the numbers of the reference scorers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

import minner
from command_line import Capture, assert_fails, run, shell
from golden.make_seqeval import random_corpus
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


class Says:
    """Stands in for a tagger: it says the same tags of every sentence."""

    def __init__(self, labels: str, tags: str) -> None:
        self.labels, self.tags = tuple(labels.split()), tags.split()

    def pipe_tags(self, sentences: Iterable[Sequence[str]]) -> Iterator[list[str]]:
        return (self.tags for _ in sentences)


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


# ---- what the reference scorers print -----------------------------------------------------------

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


def guess_file(gold: Iterable[str], guess: Iterable[str]) -> str:
    blocks = (
        "".join(f"word {a} {b}\n" for a, b in zip(ours.split(), theirs.split(), strict=True))
        for ours, theirs in zip(gold, guess, strict=True)
    )
    return "\n".join(blocks)


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


def test_ioe1_strictly(capsys: Capture, tmp_path: Path) -> None:
    """By its definition (Tjong Kim Sang and Veenstra, 1999): E- only before a phrase it touches."""
    path = tmp_path / "guesses"
    path.write_text(guess_file(["I-PER E-PER I-PER O I-LOC"], ["I-PER E-PER I-PER O E-LOC"]))
    _, out, err = run(capsys, "eval", "--guess", path, "--format", "json")
    strict = json.loads(out)["seqeval_strict"]
    assert (strict["scheme"], err) == ("IOE1", "")
    assert (strict["micro_avg"]["precision"], strict["micro_avg"]["recall"]) == (1.0, 2 / 3)


# ---- labels and columns -------------------------------------------------------------------------


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
