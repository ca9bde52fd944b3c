"""Where commands write: full disks, closed streams, early-closing pipes, and their own inputs."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest

from command_line import Capture, assert_fails, run, shell
from minner.entity import Entity
from minner.errors import MinnerError
from minner.formats import FORMATS
from minner.tagger import Tagger

COMMANDS = {
    "tag": 'minner tag --model "$1" John',
    "redact": 'minner redact --model "$1" John',
    "eval": 'minner eval --model "$1" "$2"',
    "diff": 'minner diff "model=$1" "model=$1,decoder=viterbi" John',
    "inspect": 'minner inspect "$1"',
    "explain": 'minner explain --model "$1" John',
    "cache": "minner cache",
    "help": "minner --help",
    "help of a command": "minner tag --help",
    "version": "minner --version",
}
"""Those that write to stdout, with a model as `$1` and a CoNLL file as `$2`; `bench` takes long."""


@pytest.mark.parametrize("buffered", ["unset PYTHONUNBUFFERED", "export PYTHONUNBUFFERED=1"])
@pytest.mark.parametrize("command", COMMANDS)
def test_stdout_that_cannot_be_written(
    command: str, buffered: str, tiny_path: Path, gold: Path
) -> None:
    """One line on stderr and status 1: on a full disk, and where stdout is closed."""
    line = COMMANDS[command]
    line = f"{buffered}; {line} >/dev/full; echo $? >&2; {line} >&-; echo $? >&2"
    done = shell(line, tiny_path, gold)
    assert done.stderr.decode().splitlines() == [
        "minner: error: stdout: No space left on device; the output is not complete",
        "1",
        "minner: error: stdout: Bad file descriptor; the output is not complete",
        "1",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_that_closes_early(command: str, tiny_path: Path, gold: Path) -> None:
    """Nobody reads: no traceback, and no error."""
    line = f"{{ sleep 0.2; {COMMANDS[command]}; echo $? >&2; }} | true"
    assert shell(line, tiny_path, gold).stderr == b"0\n"


def test_a_pipe_that_closes_in_the_middle(tiny_path: Path) -> None:
    line = 'minner tag --model "$1" --format conll | head -n 1; echo ${PIPESTATUS[0]}'
    done = shell(line, tiny_path, stdin=b"John lives in Paris\n" * 5000)
    assert done.stderr == b""
    assert re.fullmatch(rb"John \S+\n0\n", done.stdout)


def test_a_file_on_a_full_disk(capsys: Capture, tiny_path: Path) -> None:
    done = run(capsys, "explain", "John", "--model", tiny_path, "-o", "/dev/full")
    assert_fails(done, "/dev/full: cannot be written: No space left on device")


def test_stderr_that_cannot_be_written(tiny_path: Path, tmp_path: Path) -> None:
    """What is found comes all the same, and so does the status."""
    line = 'minner tag --model "$1" --format jsonl --on-long truncate "$2"'
    text = "John Smith lives in London. " * 9  # too long for the model: a warning
    expected = shell(line, tiny_path, text)
    assert expected.stderr.startswith(b"minner: warning: ")
    for redirection in ("2>&-", "2>/dev/full", "2> >(true)"):
        done = shell(f"{line} {redirection}", tiny_path, text)
        assert (done.returncode, done.stdout, done.stderr) == (0, expected.stdout, b"")
        assert shell(f"minner tag -f /no/such/file {redirection}").returncode == 1


def test_closed_streams_are_no_place_for_files(tiny_path: Path, tmp_path: Path) -> None:
    """The first file that is opened would get the number of stdin, stdout or stderr."""
    line = 'minner redact John --model "$1" --map "$2" <&- >&- 2>&-'
    assert shell(line, tiny_path, tmp_path / "map").returncode == 1
    assert "replaced" in (tmp_path / "map").read_text()
    assert len((tmp_path / "map").read_text().splitlines()) == 1


@pytest.mark.parametrize("command", ["tag", "redact", "diff default viterbi", "redact --restore"])
def test_a_file_is_not_read_and_written(tmp_path: Path, command: str) -> None:
    (tmp_path / "notes").write_text("Ann\n")
    flag = "" if "restore" in command else "-f"
    for line in (f'minner {command} {flag} "$1" >> "$1"', f'minner {command} {flag} "$1" 1<> "$1"'):
        done = shell(line, tmp_path / "notes", stdin=b"x\n")
        assert done.returncode == 1
        assert b"is also where the output goes" in done.stderr
        assert (tmp_path / "notes").read_text() == "Ann\n"


@pytest.mark.parametrize("flag", ["", "--overwrite"])
@pytest.mark.parametrize("kind", ["itself", "spelling", "symbolic link", "hard link", "stdin"])
def test_the_map_is_no_input(tiny_path: Path, tmp_path: Path, kind: str, flag: str) -> None:
    notes, other = tmp_path / "notes", tmp_path / "other"
    notes.write_text("Ann\n")
    if kind == "symbolic link":
        other.symlink_to(notes)
    elif kind == "hard link":
        other.hardlink_to(notes)
    else:
        other = tmp_path / "." / ".." / tmp_path.name / "notes"
    path = notes if kind in ("itself", "stdin") else other
    source = '< "$2"' if kind == "stdin" else '-f "$2"'
    done = shell(f'minner redact --model "$1" {source} --map "$3" {flag}', tiny_path, notes, path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"is read, and so cannot be written" in done.stderr
    assert notes.read_text() == "Ann\n"


def test_an_existing_map(capsys: Capture, tiny_path: Path, tmp_path: Path) -> None:
    """It is replaced only where that was asked for, and is private then."""
    path = tmp_path / "map"
    arguments = ("redact", "John", "--model", tiny_path, "--map", path)
    path.write_text("old names, and many of them, longer than what is new" * 9)
    path.chmod(0o644)
    assert_fails(run(capsys, *arguments), f"{path} is there already; --overwrite replaces it")
    assert path.read_text().startswith("old names")
    assert run(capsys, *arguments, "--overwrite")[0] == 0
    assert path.read_text().startswith('{"replaced"') and "names" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("")  # as of mktemp
    path.chmod(0o644)
    assert run(capsys, *arguments)[0] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    status, _, err = run(capsys, "redact", "John", "--overwrite")
    assert status == 2 and "needs --map" in err


def test_a_map_into_a_pipe_or_a_full_disk(tiny_path: Path) -> None:
    done = shell('minner redact John --model "$1" --map >(cat >&2) > /dev/null; wait', tiny_path)
    assert b"replaced" in done.stderr
    done = shell('minner redact John --model "$1" --map /dev/full', tiny_path)
    assert done.returncode == 1
    assert done.stderr == b"minner: error: /dev/full: cannot be written: No space left on device\n"


def test_a_map_that_is_nested_deep(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "map"
    path.write_text('{"replaced": ' + "[" * 100_000)
    assert_fails(run(capsys, "redact", "x", "--restore", path), f"{path}:1: not a line of a map")


@pytest.mark.parametrize("name", ["jsonl", "displacy"])
@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_json_has_no_nan(name: str, score: float) -> None:
    class Broken:
        def stream(self, texts: object) -> object:
            return iter([[Entity("Ann", "PER", 0, 3, score)]])

    blocks = FORMATS[name].write(Broken(), iter(["Ann"]))  # type: ignore[arg-type]
    if name == "displacy":  # holds no scores
        assert json.loads(next(blocks))["ents"]
    else:
        with pytest.raises(MinnerError, match="not a finite number"):
            next(blocks)


@pytest.mark.skipif(os.name != "posix", reason="needs bytes as arguments")
@pytest.mark.parametrize(
    "line",
    [
        "minner tag -f $'\\xff'",
        "minner tag John --model $'\\xff'",
        "minner tag John --model \"$1\" --labels $'\\xff'",
        "minner redact John --model \"$1\" --map $'/no/\\xff'",
        "minner redact John --restore $'\\xff'",
        "minner eval $'\\xff'",
        "minner eval --guess \"$2\" --labels $'\\xff'",
        "minner eval --guess \"$2\" --gold-column $'\\xff'",
        "minner diff default $'\\xff' John",
        "minner diff default $'decoder=\\xff' John",
        "minner inspect $'\\xff'",
        "minner convert $'\\xff' out --precision int8",
    ],
)
def test_names_that_are_not_utf8(line: str, tiny_path: Path, gold: Path) -> None:
    done = shell(line, tiny_path, gold)
    assert done.returncode == 1
    assert re.fullmatch(rb"minner: error: [^\n]*\\udcff[^\n]*\n", done.stderr)


def test_a_template_that_is_not_utf8(embedded: Tagger) -> None:
    done = shell("minner redact 'Kofi Annan flew.' --template $'<\\xff>'")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"<\\udcff> flew.\n", b"")
