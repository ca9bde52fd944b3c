"""The examples of the documentation say what minner does, and files that are named are there."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from minner.tagger import Tagger

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

FILE = re.compile(r"(?<![\w./-])(?:[\w-]+/)*[\w-]+\.py\b")
"""A Python file as prose or a comment names it: from the root of the repository, or by its end."""


@pytest.mark.parametrize("folder", ["kernels", "docs", "."])
def test_files_that_are_named_exist(folder: str) -> None:
    places = ("kernels", "weights", "minner", "tests", "benchmarks", "docs", "training")
    files = [
        str(path.relative_to(ROOT)) for place in places for path in (ROOT / place).rglob("*.py")
    ]
    readers = (ROOT / folder).glob("*.md") if folder == "." else (ROOT / folder).rglob("*.[mp][dy]")
    missing = [
        f"{reader.relative_to(ROOT)}: {name}"
        for reader in readers
        for name in FILE.findall(reader.read_text(encoding="utf-8"))
        if not any(f"/{file}".endswith(f"/{name}") for file in files)
    ]
    assert missing in ([], ["ARCHITECTURE.md: minner/kernels/__init__.py"])  # which it rules out


@pytest.mark.parametrize(("page", "at_least"), [("conventions.md", 20), ("index.md", 3)])
def test_examples(page: str, at_least: int, embedded: Tagger) -> None:
    found = doctest.testfile(str(DOCS / page), module_relative=False, encoding="utf-8")
    assert found.attempted >= at_least
    assert not found.failed
