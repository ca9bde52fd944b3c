"""The command line: what it prints, where it prints it, and how it fails."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import tee
from pathlib import Path

import numpy as np
import pytest

import minner
from checkpoints import write_checkpoint
from command_line import Capture, assert_fails, run, shell
from minner import cli
from minner.document import Document
from minner.entity import Entity
from minner.formats import FORMATS
from minner.tagger import Tagger
from minner.text.wordpieces import Wordpieces
from minner.text.words import split_words

# ---- formats ------------------------------------------------------------------------------------


class Fixed:
    """Stands in for a tagger: every text has the same words, tags and entities."""

    entity_labels = ("PER", "ORGANISATION")

    def pipe(self, texts: Iterable[str]) -> Iterator[list[Entity]]:
        for text in texts:
            found = [
                Entity("Ann\n Lee", "PER", 0, 8, 0.98765),
                Entity("A\x1b[1mB\0", "ORGANISATION", 1234567, 7654321, 1.0),
            ]
            yield found if text else []

    stream = pipe

    def pipe_tags(self, sentences: Iterable[Sequence[str]]) -> Iterator[list[str]]:
        for words in sentences:
            yield [f"B-{i}" for i in range(len(words))]

    def documents(self, texts: Iterable[str]) -> Iterator[Document]:
        for text, found in zip(*tee(texts), strict=True):
            words = split_words(text)
            shape = len(words), 3
            yield Document(
                text=text,
                words=[(start + 1000, end + 1000) for start, end in words],
                tags=["B-X"] * len(words),
                scores=np.full(len(words), 0.25, dtype=np.float32),
                entities=next(self.pipe([found])),
                labels=("O", "B-X", "B-X"),
                probabilities=np.broadcast_to(np.float32([0.1, 0.2, 0.7]), shape),
                wordpieces=Wordpieces(np.zeros(7, dtype=np.int32), np.zeros(7, dtype=np.intp)),
                windows=[],
                cut=2,
            )


def formatted(name: str, *texts: str) -> str:
    return "".join(FORMATS[name].write(Fixed(), iter(texts)))  # type: ignore[arg-type]


def test_table() -> None:
    expected = """\
 TEXT  LABEL          START     END  SCORE  ENTITY
    2  PER                0       8  0.988  Ann Lee
    2  ORGANISATION  1234567  7654321  1.000  A\\x1b[1mB\\x00
"""
    assert formatted("table", "", "Ann Lee") == expected
    assert formatted("table") == expected.splitlines(keepends=True)[0]


def test_jsonl() -> None:
    empty, full = formatted("jsonl", "", "Añn\n").splitlines()
    assert empty == '{"text": "", "entities": []}'
    assert full.startswith(
        '{"text": "Añn\\n", "entities": [{"text": "Ann\\n Lee", "label": "PER", '
        '"start": 0, "end": 8, "score": 0.98765}, {'
    )
    assert formatted("jsonl") == ""


def test_jsonl_words() -> None:
    empty, full = map(json.loads, formatted("jsonl-words", "", "Añn 😀").splitlines())
    nothing = {"entities": [], "words": [], "wordpieces": 7, "windows": 0, "cut": 2}
    assert empty == {"text": "", **nothing}
    words = full.pop("words")
    [plain] = formatted("jsonl", "Añn 😀").splitlines()
    assert full == {**json.loads(plain), "wordpieces": 7, "windows": 0, "cut": 2}
    assert words == [
        {
            "text": text,
            "start": start,
            "end": end,
            "tag": "B-X",
            "score": 0.25,
            "probabilities": {"O": 0.1, "B-X": 0.9},
        }
        for text, start, end in [("Añn", 1000, 1003), ("😀", 1004, 1005)]
    ]


def test_conll() -> None:
    assert formatted("conll", "Ann Lee's.", "", " \u00a0", "日本") == (
        "Ann B-0\nLee B-1\n's B-2\n. B-3\n\n\n\n日 B-0\n本 B-1\n\n"
    )
    assert formatted("conll") == ""


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "sparknlp"])
def test_formats_stream(name: str) -> None:
    """The first block is there before the second text is read."""
    taken = []

    def texts() -> Iterator[str]:
        for i in range(3):
            taken.append(i)
            yield "John"

    blocks = FORMATS[name].write(Fixed(), texts())  # type: ignore[arg-type]
    next(blocks)
    assert len(taken) <= 1


# ---- minner tag ---------------------------------------------------------------------------------


def test_tag_texts(capsys: Capture, tiny: Tagger, tiny_path: Path) -> None:
    texts = ["My name is John Smith.", "", "Acme"]
    status, out, err = run(
        capsys, "tag", "--model", tiny_path, "--format", "jsonl", "--threads", 1, *texts
    )
    assert (status, err) == (0, "")
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["text"] for record in records] == texts
    assert [[Entity(**e) for e in record["entities"]] for record in records] == tiny(texts)


@pytest.mark.parametrize(("flag", "lowercase"), [("--lowercase", True), ("--no-lowercase", False)])
def test_tag_in_the_case_asked_for(
    capsys: Capture, tiny_path: Path, flag: str, lowercase: bool
) -> None:
    text = "John Smith lives in London and Mary in Paris"
    status, out, _ = run(capsys, "tag", "--model", tiny_path, flag, "--format", "conll", text)
    assert status == 0
    tags = [line.split()[1] for line in out.splitlines() if line]
    assert tags == minner.load(tiny_path, lowercase=lowercase).tag(text.split())
    assert tags != minner.load(tiny_path, lowercase=not lowercase).tag(text.split())


@pytest.mark.parametrize(
    "arguments",
    [
        "John -5 Ann --format jsonl --model MODEL",
        "John --format jsonl -5 Ann --model MODEL",
        "John -5 --format jsonl --model MODEL Ann",
        "John --format jsonl -5 --model MODEL Ann",
        "--format jsonl --model MODEL John -5 Ann",
        "--format jsonl --model MODEL -- John -5 Ann",
    ],
)
def test_texts_stand_anywhere(capsys: Capture, tiny_path: Path, arguments: str) -> None:
    status, out, err = run(capsys, "tag", *arguments.replace("MODEL", str(tiny_path)).split())
    assert (status, err) == (0, "")
    assert [json.loads(line)["text"] for line in out.splitlines()] == ["John", "-5", "Ann"]


def test_tag_prints_a_table_by_default(capsys: Capture, tiny: Tagger, tiny_path: Path) -> None:
    text = "My name is John Smith."
    status, out, err = run(capsys, "tag", "--model", tiny_path, text)
    assert (status, err) == (0, "")
    header, *rows = out.splitlines()
    assert header.split() == ["TEXT", "LABEL", "START", "END", "SCORE", "ENTITY"]
    assert [row.split(maxsplit=5) for row in rows] == [
        ["1", e.label, str(e.start), str(e.end), f"{e.score:.3f}", e.text] for e in tiny(text)
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"John\n\nSmith lives\n",
        b"John\r\n\r\nSmith lives\r\n",
        b"John\n\nSmith lives",
        "\ufeffJohn\n\nSmith lives\n".encode(),
    ],
    ids=["plain", "CRLF", "no final newline", "byte order mark"],
)
def test_tag_a_file(
    capsys: Capture, tiny: Tagger, tiny_path: Path, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes(content)
    status, out, err = run(capsys, "tag", "--model", tiny_path, "-f", path, "--format", "jsonl")
    assert (status, err) == (0, "")
    assert [json.loads(line)["text"] for line in out.splitlines()] == ["John", "", "Smith lives"]
    status, out, _ = run(capsys, "tag", "--model", tiny_path, "-f", path, "--format", "conll")
    first, last = tiny.tag(["John"]), tiny.tag(["Smith", "lives"])
    assert out == f"John {first[0]}\n\n\nSmith {last[0]}\nlives {last[1]}\n\n"


@pytest.mark.parametrize("name", FORMATS)
def test_tag_an_empty_file(capsys: Capture, tiny_path: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").touch()
    status, out, err = run(
        capsys, "tag", "--model", tiny_path, "-f", tmp_path / "empty", "--format", name
    )
    assert (status, err) == (0, "")
    if name == "html":
        assert "<li id=" not in out and out.endswith("</html>\n")
    else:
        assert out.count("\n") == (1 if name == "table" else 0)


def test_tag_stdin(tiny_path: Path) -> None:
    done = shell('minner tag --model "$1" --format conll', tiny_path, stdin="\n€ 5\n".encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert re.fullmatch("\n€ \\S+\n5 \\S+\n\n", done.stdout.decode())


def test_a_line_that_is_not_utf8(capsys: Capture, tiny_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"fine\n\nM\xfcller\n")
    arguments = ("tag", "--model", tiny_path, "-f", path, "--format", "jsonl")
    status, out, err = run(capsys, *arguments)
    assert status == 1
    assert err.startswith(f"minner: error: {path}:3: not UTF-8") and err.count("\n") == 1
    assert [json.loads(line)["text"] for line in out.splitlines()] in ([], ["fine"], ["fine", ""])


def test_a_dash_is_stdin(tiny_path: Path) -> None:
    line = 'minner tag -f - --model "$1" --format conll'
    assert shell(line, tiny_path, stdin=b"John\n").stdout.startswith(b"John ")


def test_stdin_that_is_not_utf8_or_closed(tiny_path: Path) -> None:
    done = shell('minner tag --format jsonl --model "$1"', tiny_path, stdin=b"\xff\n")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"minner: error: stdin:1: not UTF-8; convert the file first\n"
    done = shell('minner tag --model "$1" <&-', tiny_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"minner: error: stdin: cannot be read: Bad file descriptor\n"


def test_an_argument_that_is_not_utf8(tiny_path: Path) -> None:
    """The shell's bytes come as lone surrogates, and leave as the escapes of JSON."""
    done = shell("""minner tag --model "$1" --format jsonl $'John\\xff'""", tiny_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["text"] == "John\udcff"
    done = shell("""minner tag --model "$1" $'John\\xff'""", tiny_path)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("command", ["tag", "eval"])
def test_a_file_that_cannot_be_read(capsys: Capture, tmp_path: Path, command: str) -> None:
    """That shows before the model is loaded: the model named here does not exist either."""
    flag = ("-f",) if command == "tag" else ()
    rest = ("--model", "/no/such/model")
    missing = tmp_path / "missing"
    assert_fails(run(capsys, command, *flag, missing, *rest), str(missing), "No such file")
    assert_fails(run(capsys, command, *flag, tmp_path, *rest), str(tmp_path), "Is a directory")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("--model", "/no/such/model"), ["there is no directory '/no/such/model'"]),
        (("--model", os.devnull), [os.devnull]),
        (("--threads", "0"), ["threads must be a whole number of at least 1, not 0"]),
    ],
)
def test_a_model_that_cannot_be_loaded(
    capsys: Capture, arguments: tuple[str, ...], parts: list[str]
) -> None:
    assert_fails(run(capsys, "tag", "John", *arguments), *parts)
    assert_fails(run(capsys, "warmup", *arguments), *parts)


def test_an_empty_directory_is_no_model(capsys: Capture, tmp_path: Path) -> None:
    assert_fails(run(capsys, "tag", "John", "--model", tmp_path), str(tmp_path))


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fly",),
        ("tag", "--format", "xml"),
        ("tag", "--threads", "many"),
        ("tag", "John", "-f", "file"),
        ("tag", "-f", "file", "--threads", "1", "John"),
        ("tag", "--threads", "1", "--colour", "John"),
        ("tag", "-f"),
        ("eval",),
        ("eval", "file", "--format", "table"),
        ("warmup", "now"),
    ],
)
def test_wrong_usage(capsys: Capture, arguments: tuple[str, ...]) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("usage: minner")


@pytest.mark.parametrize("value", ["", "x", "-1", "0", "1.5", "nan", "1e999", "=", ",", "a=b,a=c"])
def test_values_are_refused_in_words(value: str) -> None:
    """What is raised otherwise, argparse tells by the name of the function: invalid _positive."""
    parsers = [cli._parser()]
    checked = 0
    for parser in parsers:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                parsers += action.choices.values()
            elif action.type not in (None, int, float, Path):
                checked += 1
                with suppress(argparse.ArgumentTypeError):
                    action.type(value)  # type: ignore[operator]
    assert checked > 10


def test_the_limits_of_a_server(capsys: Capture) -> None:
    for value in ("many", "0", "-3", "1.5"):
        status, _, err = run(capsys, "serve", "--max-queue", value)
        assert status == 2
        assert f"argument --max-queue: '{value}' is not a whole number above 0" in err


def test_help_and_version(capsys: Capture) -> None:
    assert run(capsys, "--version") == (0, f"minner {minner.__version__}\n", "")
    for command in ((), ("tag",), ("redact",), ("eval",), ("warmup",)):
        status, out, err = run(capsys, *command, "--help")
        assert (status, err) == (0, "")
        assert out.startswith("usage: minner")


@pytest.mark.parametrize("error", [MemoryError(), SystemError("returned NULL")])
def test_no_memory(capsys: Capture, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(minner, "load", fail)
    assert_fails(run(capsys, "tag", "John"), "the system has no memory for this")


def test_an_error_is_one_line(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise minner.MinnerError("this\nand that")

    monkeypatch.setattr(minner, "load", fail)
    assert run(capsys, "tag", "John") == (1, "", "minner: error: this and that\n")


def test_a_warning_is_one_line(tmp_path: Path) -> None:
    flat = write_checkpoint(tmp_path, n_labels=2, id2label={"0": "O", "1": "PER"}, label2id=None)
    done = shell('minner tag --model "$1" --format jsonl John', flat)
    assert done.returncode == 0
    assert done.stderr.startswith(b"minner: warning: ")
    assert done.stderr.count(b"\n") == 1


def test_dashes_after_dashes_are_a_value(capsys: Capture) -> None:
    """Argparse of Python 3.11 takes every `--` for a mark, and gave a list for the value."""
    assert_fails(run(capsys, "diff", "default", "--", "--", "x"), "'--' is neither a directory")
    assert_fails(run(capsys, "inspect", "--", "--"), "'--' is neither a directory")
    arguments = ["tag", "a", "--", "--", "b", "--"]
    options = cli._parse(cli._parser(arguments), arguments)
    assert options.text == ["a", "--", "b", "--"]


def test_warnings_of_the_caller_stay_as_they_were(capsys: Capture, tiny_path: Path) -> None:
    before = warnings.showwarning
    assert run(capsys, "tag", "--model", tiny_path, "John")[0] == 0
    assert warnings.showwarning is before


def test_an_interrupt(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(minner, "load", interrupt)
    assert run(capsys, "tag", "John") == (130, "", "")


# ---- minner warmup ------------------------------------------------------------------------------


def test_warmup(capsys: Capture, tiny_path: Path) -> None:
    status, out, err = run(capsys, "warmup", "--model", tiny_path)
    assert (status, out) == (0, "")
    assert re.fullmatch(r"minner: ready after \d+\.\d s\n", err)


# ---- precisions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_every_command_has_every_precision(
    capsys: Capture, tiny_path: Path, gold: Path, precision: str
) -> None:
    text = "John Smith works for Acme in London and Paris"
    model = ("--model", tiny_path, "--precision", precision)
    found = minner.load(tiny_path, precision=precision)(text)
    assert found
    status, out, _ = run(capsys, "tag", text, *model, "--format", "jsonl")
    assert status == 0
    assert [one["score"] for one in json.loads(out)["entities"]] == [one.score for one in found]
    status, out, _ = run(capsys, "redact", text, *model)
    assert status == 0
    assert out.count("[") == len(found)
    status, out, _ = run(capsys, "eval", gold, *model, "--format", "json")
    assert status == 0
    assert json.loads(out)["phrases"]
    a, b = (f"model={tiny_path},precision={name}" for name in ("float32", precision))
    status, out, _ = run(capsys, "diff", a, b, text)
    assert status == 0
    assert f"B {len(found)}, " in out
    assert run(capsys, "warmup", *model)[0] == 0


def test_a_precision_that_there_is_not(capsys: Capture) -> None:
    status, _, err = run(capsys, "tag", "John", "--precision", "int4")
    assert status == 2
    assert "choose from" in err


# ---- the embedded model -------------------------------------------------------------------------


def test_the_embedded_model(capsys: Capture, embedded: Tagger) -> None:
    status, out, err = run(capsys, "tag", "My name is John Smith.")
    assert (status, err) == (0, "")
    assert re.fullmatch(r" +1 +PER +11 +21 +[01]\.\d{3}  John Smith", out.splitlines()[1])


OPENBLAS = """
import os, sys
from minner import cli
assert "numpy" not in sys.modules
cli.main(["--version"])
print(os.environ["OPENBLAS_THREAD_TIMEOUT"])
"""


def test_threads_of_openblas_are_told_to_sleep_before_they_start() -> None:
    """They spin for 90 ms otherwise, beside a command that takes 120."""
    for given, kept in ((None, "20"), ("26", "26")):
        environment = {**os.environ, "OPENBLAS_THREAD_TIMEOUT": given or ""}
        if given is None:
            del environment["OPENBLAS_THREAD_TIMEOUT"]
        command = [sys.executable, "-c", OPENBLAS]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, [kept]), done.stderr
