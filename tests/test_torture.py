"""The torture's own frame: harm is noticed, counted and told of; the hazards are well-formed."""

from __future__ import annotations

import subprocess
import sys
from math import inf
from pathlib import Path

import pytest

TORTURE = Path(__file__).parent / "torture"
sys.path.append(str(TORTURE))

import hazard as hazards  # noqa: E402
import table  # noqa: E402
from kept import Kept  # noqa: E402
from runner import run  # noqa: E402
from worker import Outcome  # noqa: E402


@pytest.mark.parametrize(
    ("how", "story"),
    [
        ("wrong", "AssertionError: a wrong answer"),
        ("signal", "died of SIGSEGV"),
        ("exit", "exited with 3"),
        ("hang", "hung"),
        ("time", "s of CPU time"),
        ("memory", "MB"),
    ],
)
def test_harm_is_noticed(monkeypatch: pytest.MonkeyPatch, how: str, story: str) -> None:
    monkeypatch.setenv("TORTURE_EXAMPLE", how)
    outcome = run(hazards.load("_example"), "0", 5, hangs=20)
    [(number, told)] = outcome.failures[:1]
    assert number == 2
    assert story in told
    assert table.verdict(outcome).endswith("FAILED")


def test_no_harm() -> None:
    outcome = run(hazards.load("_example"), "0", 6)
    assert (outcome.answered, outcome.refused, outcome.failures) == (3, 3, [])
    assert 0 < outcome.megabytes < 300
    assert table.verdict(outcome) == "held"


@pytest.mark.parametrize("name", hazards.names())
def test_every_hazard_says_what_it_is(name: str) -> None:
    hazard = hazards.load(name)
    assert hazard.title
    assert "|" not in hazard.title
    assert 0 < hazard.quick < hazard.long
    assert not hazard.is_fuzzer or all(hasattr(hazard.module, part) for part in ("seeds", "mutate"))


def test_the_command() -> None:
    command = [sys.executable, str(TORTURE), "safetensors_header", "--trials", "50", "--seed", "ci"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("safetensors_header       held ")


def test_rows_of_the_table_stay_or_are_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{table.BEGIN}\n{table.END}\n\nafter\n")
    hazard = hazards.load("_example")
    for row in ("| other | x |\n", table.row(hazard, Outcome(tried=1234, answered=1234))):
        table.write(page, row)
    assert page.read_text().count("| 1,234 | 1,234 | 0 | held |") == 1
    table.write(page, table.row(hazard, Outcome(failures=[(0, "story")])))
    text = page.read_text()
    assert ("1,234" in text, "| other | x |" in text, "1 FAILED" in text) == (False, True, True)
    assert text.startswith("before\n\n") and text.endswith("\n\nafter\n")


def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    """Three trials, then no time for any, then the other three: as six in a row."""
    hazard, path = hazards.load("_example"), tmp_path / "kept.json"
    for count, seconds in ((3, inf), (6, 0.0), (6, inf)):
        kept = Kept(path)
        outcome = run(hazard, "0", count, kept.outcome("_example", "0"), seconds)
        kept.keep("_example", "0", outcome)
    assert (outcome.tried, outcome.failures) == (6, [])
    assert Kept(path).outcome("_example", "0") == outcome
    assert Kept(path).outcome("_example", "other seed") == Outcome()
