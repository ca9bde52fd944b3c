"""Read `everyday.txt`: sentences as people write them, with the names they hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

LIST = Path(__file__).parent / "everyday.txt"
MARKED = re.compile(r"\{([^|{}]+)\|(PER|LOC|ORG|MISC)\}")

Name = tuple[int, int, str]
"""Start, end (exclusive) and type; both in code points."""


def read_sentence(marked: str) -> tuple[str, list[Name]]:
    """The plain sentence of a marked one, and its names in order."""
    text, names, copied = "", [], 0
    for match in MARKED.finditer(marked):
        text += marked[copied : match.start()]
        names.append((len(text), len(text) + len(match[1]), match[2]))
        text += match[1]
        copied = match.end()
    return text + marked[copied:], names


def read_list() -> list[tuple[str, list[Name]]]:
    """All sentences of the list."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return [read_sentence(line) for line in lines if line and not line.startswith("#")]


def misread(
    names_of: Callable[[str], Iterable[Name]],
) -> list[tuple[str, list[Name], list[Name]]]:
    """The sentences whose names are not found exactly: text, wanted names, found names."""
    found = [(text, names, list(names_of(text))) for text, names in read_list()]
    return [(text, names, said) for text, names, said in found if names != said]
