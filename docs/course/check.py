"""Check an exercise of the course: `python docs/course/check.py attention`.

It reads `my_model.py` in the current directory, or another file: `--file PATH`. It prints one line,
and ends with 0 where the exercise is solved, with 1 where it is not.
"""

from __future__ import annotations

import argparse
import reprlib
import runpy
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from traceback import extract_tb
from typing import Any

import numpy as np
from exercise import Exercise
from exercises import EXERCISES
from whole_model import check_model


class Failed(Exception):
    """An exercise is not solved; the text says what to look at."""


def main(arguments: list[str] | None = None) -> int:
    """Check one exercise and say how it went."""
    parser = argparse.ArgumentParser(description="Check an exercise of the course.")
    parser.add_argument("exercise", choices=[*EXERCISES, "model"])
    parser.add_argument("--file", type=Path, default=Path("my_model.py"), help="your file")
    options = parser.parse_args(arguments)
    try:
        mine = _read(options.file)
        if options.exercise == "model":
            _check_model(lambda name: _function(mine, name, options.file))
        else:
            exercise = EXERCISES[options.exercise]
            _check(exercise, _function(mine, exercise.function, options.file))
    except Failed as failed:
        print(f"{options.exercise}: not yet. {failed}")
        return 1
    print(f"{options.exercise}: solved.")
    return 0


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise Failed(f"There is no {path}: write your function there, or say --file PATH.")
    try:
        return runpy.run_path(str(path))
    except Exception as error:
        raise Failed(f"{path} stops with {type(error).__name__}: {error}") from error


def _function(mine: dict[str, Any], name: str, path: Path) -> Callable[..., Any]:
    if not callable(mine.get(name)):
        raise Failed(
            f"{path} has no function {name}; the page of the exercise shows its first line."
        )
    return mine[name]


def _check(exercise: Exercise, function: Callable[..., Any]) -> None:
    """Compare a function with the right one on every case.

    Raises:
        Failed: they differ; where the results are those of a usual mistake, it is named.
    """
    for case in exercise.cases:
        try:
            with np.errstate(all="ignore"):
                got = function(*deepcopy(case))
        except Exception as error:
            raise Failed(f"{_call(exercise, case)} {_stop(error, function)}") from error
        complaint = difference(got, exercise.right(*case), exercise)
        if complaint:
            told = f"{_call(exercise, case)}: {complaint}"
            raise Failed(_usual_mistake(exercise, case, got) or told)


def _check_model(function: Callable[[str], Callable[..., Any]]) -> None:
    try:
        complaint = check_model(function)
    except Failed:
        raise
    except Exception as error:
        raise Failed(f"Your model {_stop(error, function('logits'))}") from error
    if complaint:
        raise Failed(complaint)


def _call(exercise: Exercise, case: tuple[Any, ...]) -> str:
    """A call as the reader would write it, with arrays by their shapes."""
    return f"{exercise.function}({', '.join(map(_argument, case))})"


def _argument(argument: Any) -> str:
    if isinstance(argument, np.ndarray):
        return f"array {list(argument.shape)}"
    if isinstance(argument, dict):
        return "{" + ", ".join(f"{key!r}: ..." for key in argument) + "}"
    return reprlib.repr(argument) if isinstance(argument, tuple) else repr(argument)


def _stop(error: Exception, function: Callable[..., Any]) -> str:
    """How an error is told, with the last line of the reader's file that it came through."""
    code = getattr(function, "__code__", None)
    frames = extract_tb(error.__traceback__)
    lines = [at.lineno for at in frames if code and at.filename == code.co_filename]
    place = f" in line {lines[-1]}" if lines else ""
    return f"stops{place} with {type(error).__name__}: {error}"


def _usual_mistake(exercise: Exercise, case: tuple[Any, ...], got: Any) -> str | None:
    for message, mistaken in exercise.mistakes.items():
        with np.errstate(all="ignore"):
            if difference(got, mistaken(*case), exercise) is None:
                return message
    return None


def difference(got: Any, want: Any, exercise: Exercise) -> str | None:
    """What is wrong with a result, or None."""
    if isinstance(want, tuple) and isinstance(want[0], np.ndarray | float):
        return _difference_of_parts(got, want, exercise)
    if isinstance(want, np.ndarray):
        return _difference_of_arrays(got, want, exercise)
    if isinstance(want, float) and isinstance(got, int | float):
        if abs(got - want) <= exercise.tolerance * max(1, abs(want)):
            return None
        return f"the result is {got:.4g}; it must be {want:.4g}."
    return None if got == want else f"the result is {got!r}; it must be {want!r}."


def _difference_of_parts(got: Any, want: tuple[Any, ...], exercise: Exercise) -> str | None:
    if not isinstance(got, tuple) or len(got) != len(want):
        return f"the result must be a tuple of {len(want)} parts."
    found = (difference(*parts, exercise) for parts in zip(got, want, strict=True))
    return next((f"in part {n}, {one}" for n, one in enumerate(found, start=1) if one), None)


def _difference_of_arrays(got: Any, want: Any, exercise: Exercise) -> str | None:
    if not isinstance(got, np.ndarray):
        return f"the result is of type {type(got).__name__}; it must be an array."
    if got.shape != want.shape:
        return f"the result has shape {list(got.shape)}; it must be {list(want.shape)}."
    if np.isnan(want).any():  # what a mistake gave
        return None if np.array_equal(np.isnan(got), np.isnan(want)) else "it has other NaNs."
    if not np.isfinite(got).all():
        return "the result holds NaN or infinity."
    errors = np.abs(got.astype(float) - want)
    errors = errors / np.abs(want) if exercise.relative else errors
    worst, most = errors.max(), exercise.tolerance
    if worst <= most:
        return None
    place = [int(index) for index in np.unravel_index(errors.argmax(), want.shape)]
    share = " of its size" if exercise.relative else ""
    return f"the result is off by {worst:.2g}{share} at {place}; at most {most:g} is allowed."


if __name__ == "__main__":
    sys.exit(main())
