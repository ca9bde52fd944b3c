"""How tests run the command line, in this process or in a shell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence

import pytest

from minner import cli

Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    """Run one command in this process: status, stdout, stderr."""
    try:
        status = cli.main([str(argument) for argument in arguments])
    except SystemExit as exit:
        status = exit.code
    out, err = capsys.readouterr()
    return status, out, err


def shell(line: str, *arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which `minner` is this minner and `$1`... are the arguments."""
    minner_function = f'minner() {{ "{sys.executable}" -m minner "$@"; }}\n'
    command = ["bash", "-c", minner_function + line, "bash", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120)


def assert_fails(done: tuple[int, str, str], *parts: str) -> None:
    """Status 1, nothing on stdout, one line on stderr that has these parts."""
    status, out, err = done
    assert (status, out) == (1, "")
    assert err.startswith("minner: error: ")
    assert err.count("\n") == 1
    for part in parts:
        assert part in err


class Says:
    """Stands in for a tagger: it says the same tags of every sentence."""

    def __init__(self, labels: str, tags: str) -> None:
        self.labels, self.tags = tuple(labels.split()), tags.split()

    def pipe_tags(self, sentences: Iterable[Sequence[str]]) -> Iterator[list[str]]:
        return (self.tags for _ in sentences)


def guess_file(gold: Iterable[str], guess: Iterable[str]) -> str:
    """A guess file of the tags of sentences, a string each."""
    blocks = (
        "".join(f"word {a} {b}\n" for a, b in zip(ours.split(), theirs.split(), strict=True))
        for ours, theirs in zip(gold, guess, strict=True)
    )
    return "\n".join(blocks)
