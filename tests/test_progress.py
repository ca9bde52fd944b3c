"""The line of progress: for people who watch, and for nobody else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command_line import Capture, run
from minner import progress


def watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody watches stderr, and it is drawn after every item."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(progress, "INTERVAL", 0.0)


def test_progress_is_shown_to_a_person(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    watch(monkeypatch)
    assert list(progress.progress(iter("abc"), "letters", 3)) == ["a", "b", "c"]
    out, err = capsys.readouterr()
    assert out == ""
    drawn = err.split("\r")
    assert [text.split(" ")[0] for text in drawn[1:-1]] == ["1/3", "2/3", "3/3"]
    assert all(re.fullmatch(r"\d/3 letters, \d+/s\x1b\[K", text) for text in drawn[1:-1])
    assert drawn[-1] == "\x1b[K"
    list(progress.progress(iter("abc"), "letters"))
    assert "\r2 letters, " in capsys.readouterr().err


def test_progress_cleans_up_when_it_is_left(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(monkeypatch)
    items = progress.progress(iter("abc"), "letters")
    next(items), next(items)
    items.close()  # type: ignore[attr-defined]
    assert capsys.readouterr().err.endswith("\r\x1b[K")


def test_no_progress_in_a_pipe(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    assert list(progress.progress(iter("abc"), "letters")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_commands_show_progress(
    capsys: Capture, gold: Path, tiny_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(monkeypatch)
    arguments: tuple[Any, ...] = ("tag", "-f", gold, "--model", tiny_path)
    _, out, err = run(capsys, *arguments)
    assert "\r3 texts, " in err
    assert "texts, " not in out
    _, _, err = run(capsys, "eval", gold, "--model", tiny_path)
    assert "\r3/3 sentences, " in err
    # A line of progress and lines of results would write over each other.
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run(capsys, *arguments) == (0, out, "")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_progress_on_a_real_terminal(tiny_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("John Smith lives in London and works for Acme in Paris.\n" * 4000)
    terminal, ours = os.openpty()
    command = [sys.executable, "-m", "minner", "tag", "--model", str(tiny_path), "-f", str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=ours) as process:
        os.close(ours)
        seen = b""
        try:
            while chunk := os.read(terminal, 4096):
                seen += chunk
        except OSError:
            pass  # Linux's way to say that the other end is closed
    os.close(terminal)
    assert process.returncode == 0
    assert re.search(rb"\r\d+ texts, \d+/s\x1b\[K", seen)
    assert seen.endswith(b"\r\x1b[K")
