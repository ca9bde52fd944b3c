"""The course: its programs print what its pages say, its code is minner's, its exercises work."""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minner.kernels.vector.target import TARGET
from minner.tagger import Tagger

ROOT = Path(__file__).parents[1]
COURSE = ROOT / "docs" / "course"
SOLUTIONS = Path(__file__).parent / "course" / "my_model.py"
FOLDERS = (".", "ladder", "machine", "measuring")
PAGES = sorted(
    path.relative_to(COURSE).as_posix() for name in FOLDERS for path in COURSE.glob(f"{name}/*.md")
)
STARTS = {
    "ladder": "machine/index.md",
    "machine": "machine/index.md",
    "measuring": "measuring/index.md",
}
"""The page whose programs the reader has typed before those of a folder."""
OTHER_COMMANDS = {
    "python docs/course/ladder/bench.py",
    "python docs/course/notebooks.py",
    "python docs/fit_polynomials.py",
    "diff docs/course/ladder/step07_latency.py docs/course/ladder/step08_prefetch.py",
}
"""What pages tell to run besides the check; each has a test of its own."""

sys.path.insert(0, str(COURSE))
check, exercises = map(importlib.import_module, ("check", "exercises"))
DRAWN = {"draw": "pictures", "draw_machine": "machine/pictures", "draw_measured": "measured"}
"""A program, and where it puts its pictures."""
EXERCISES: dict[str, Any] = exercises.EXERCISES
MISTAKES = [
    pytest.param(name, message, id=f"{name}: {message[:40]}")
    for name, exercise in EXERCISES.items()
    for message in exercise.mistakes
]


def text_of(page: str) -> str:
    return (COURSE / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_programs_print_what_the_page_says(page: str, embedded: Tagger) -> None:
    """After the set-up of the first page, which the reader has typed."""
    start = STARTS.get(page.rpartition("/")[0], "index.md")
    before = "" if page == start else text_of(start)
    test = doctest.DocTestParser().get_doctest(before + text_of(page), {}, page, page, 0)
    said: list[str] = []
    assert doctest.DocTestRunner().run(test, out=said.append).failed == 0, "".join(said)


@pytest.mark.parametrize("page", PAGES)
def test_code_on_a_page_stands_in_a_file_that_it_links(page: str) -> None:
    """Or is the first line of a function that the reader is to write."""
    linked = dict.fromkeys(re.findall(r"\]\(([^):]+\.py)\)", text_of(page)))
    files = [(COURSE / page / ".." / link).resolve().read_text("utf-8") for link in linked]
    solutions = SOLUTIONS.read_text(encoding="utf-8")
    for block in blocks(page, "python"):
        if block.endswith(": ...\n"):
            assert block.removesuffix(" ...\n") in solutions.splitlines()
        else:
            assert any(block in file for file in files), block


@pytest.mark.parametrize("page", PAGES)
def test_commands_name_an_exercise(page: str) -> None:
    for block in blocks(page, "sh"):
        if block.strip() not in OTHER_COMMANDS:
            assert block.split()[:2] == ["python", "docs/course/check.py"]
            assert block.split()[2] in {*EXERCISES, "model"}


def test_every_exercise_is_on_a_page() -> None:
    commands = {block.strip() for page in PAGES for block in blocks(page, "sh")} - OTHER_COMMANDS
    told = {command.split()[2] for command in commands}
    assert told == {*EXERCISES, "model"}


@pytest.mark.parametrize("name", [*EXERCISES, "model"])
def test_the_solution_passes(name: str, embedded: Tagger, capsys: Any) -> None:
    assert check.main([name, "--file", str(SOLUTIONS)]) == 0
    assert capsys.readouterr().out == f"{name}: solved.\n"


@pytest.mark.parametrize(("name", "message"), MISTAKES)
def test_a_usual_mistake_is_named(name: str, message: str) -> None:
    exercise = EXERCISES[name]
    with pytest.raises(check.Failed, match=f"^{re.escape(message)}$"):
        check._check(exercise, exercise.mistakes[message])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "has no function layer_norm"),
        ("def layer_norm(", "stops with SyntaxError"),
        ("def layer_norm(x, w, b, e): return x.T", r"shape [8, 5]; it must be [5, 8]"),
        ("def layer_norm(x, w, b, e): return x / 0", "NaN or infinity"),
        ("def layer_norm(x, w, b, e): return [1]", "type list; it must be an array"),
        (
            "def layer_norm(x, w, b, e): return w @ b @ x",
            "(array [5, 8], array [8], array [8], 1e-12) stops in line 1 with ValueError",
        ),
        ("def layer_norm(x, w, b, e): return x * w", "is off by"),
        (None, "There is no"),
    ],
)
def test_any_other_mistake_is_told(
    source: str | None, message: str, tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "my_model.py"
    if source is not None:
        path.write_text(source)
    assert check.main(["layer_norm", "--file", str(path)]) == 1
    assert message in capsys.readouterr().out


FLOATS = {
    name: exercise
    for name, exercise in EXERCISES.items()
    if isinstance(exercise.right(*exercise.cases[0]), np.ndarray)
}


@pytest.mark.parametrize("name", FLOATS)
def test_a_reader_may_compute_in_float64(name: str) -> None:
    """`/ np.sqrt(d)` is enough for that: it must not look like a mistake."""
    exercise = FLOATS[name]
    check._check(exercise, lambda *case: exercise.right(*map(in_float64, case)))


def in_float64(argument: Any) -> Any:
    if isinstance(argument, dict):
        return {name: in_float64(part) for name, part in argument.items()}
    floats = isinstance(argument, np.ndarray) and argument.dtype == np.float32
    return argument.astype(float) if floats else argument


def test_the_call_that_failed_is_shown(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "my_model.py"
    path.write_text("def decode(tags): return [tags[0]]")
    assert check.main(["decoding", "--file", str(path)]) == 1
    assert "decode(['B-PER', 'I-PER', 'O', 'B-LOC', 'O']): the result" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("words[ids] + positions[: len(ids)]", "words[ids]", "minner finds [('Anna Kowalczyk',"),
        ("words[ids] + positions[: len(ids)]", "words[ids] @ positions", "stops in line"),
        ('return tag_head(x, model["classifier"])', "return x", "they must be [13, 9]"),
        ('"##"', '"#"', "your wordpieces have the ids [2, 8010, 1, 2509,"),
    ],
)
def test_what_a_model_has_wrong_is_told(
    right: str, wrong: str, message: str, tmp_path: Path, embedded: Tagger, capsys: Any
) -> None:
    path = tmp_path / "my_model.py"
    solutions = SOLUTIONS.read_text(encoding="utf-8")
    assert right in solutions
    path.write_text(solutions.replace(right, wrong))
    assert check.main(["model", "--file", str(path)]) == 1
    assert message in capsys.readouterr().out


def test_the_check_runs_as_the_pages_say(tmp_path: Path) -> None:
    (tmp_path / "my_model.py").write_text(SOLUTIONS.read_text(encoding="utf-8"))
    command = [sys.executable, COURSE / "check.py", "tag_head"]
    run = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "tag_head: solved.\n", "")


NUMBER = re.compile(r"-?\d+\.\d+")


@pytest.mark.parametrize("program", DRAWN)
def test_pictures_are_those_that_the_program_draws(program: str, embedded: Tagger) -> None:
    if not TARGET.fma:
        pytest.skip("errors are those of multiply-adds")
    for name, picture in importlib.import_module(program).pictures().items():
        stored = (COURSE / DRAWN[program] / f"{name}.svg").read_text(encoding="utf-8")
        assert NUMBER.sub("", stored) == NUMBER.sub("", picture)
        numbers = [np.array(NUMBER.findall(one), dtype=float) for one in (stored, picture)]
        np.testing.assert_allclose(*numbers, atol=0.11)  # a tenth of a pixel, and rounding


def test_every_picture_is_shown_and_told_in_words() -> None:
    shown = {
        (COURSE / page / ".." / link).resolve(): words
        for page in PAGES
        for words, link in re.findall(r"!\[([^\]]+)\]\(([^)]+\.svg)\)", text_of(page))
    }
    assert set(shown) == {path for path in COURSE.rglob("*.svg")}
    assert min(map(len, shown.values())) > 60
