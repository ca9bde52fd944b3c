"""Make a notebook of each part of the course: its pages, with their programs as cells.

    python docs/course/notebooks.py [FOLDER]

It writes `model.ipynb`, `machine.ipynb` and `measuring.ipynb`, without outputs. Links and pictures
are those of the pages, relative to this folder, where the notebooks go by default.
"""

from __future__ import annotations

import json
import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COURSE = Path(__file__).parent
PROGRAM = re.compile(r"^```pycon\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)[^()\s]+(?=\))")


def _parts() -> dict[str, list[str]]:
    """The name of each part -> its pages, as the navigation of the site has them."""
    parts: dict[str, list[str]] = {}
    for line in (COURSE.parents[1] / "mkdocs.yml").read_text(encoding="utf-8").splitlines():
        if section := re.fullmatch(r' {2}- "?The course: (?:the )?(\w+)"?:', line):
            pages = parts.setdefault(section[1], [])
        elif page := re.fullmatch(r" {6}- .+: course/(.+)\.md", line):
            pages.append(page[1])
    return parts


PARTS = _parts()


def notebook(part: str) -> dict[str, Any]:
    """A part of the course in the notebook format, version 4.5."""
    cells = [cell for page in PARTS[part] for cell in _cells(page)]
    for number, cell in enumerate(cells):
        cell["id"] = f"{part}-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cells(page: str) -> Iterator[dict[str, Any]]:
    """The cells of a page: `re.split` gives text and programs in turns."""
    folder, text = posixpath.dirname(page), (COURSE / f"{page}.md").read_text(encoding="utf-8")
    for number, part in enumerate(PROGRAM.split(text)):
        if number % 2:
            source = _program(part)
            yield {
                "cell_type": "code",
                "metadata": {},
                "source": source,
                "execution_count": None,
                "outputs": [],
            }
        elif part.strip():
            moved = LINK.sub(lambda link: posixpath.normpath(posixpath.join(folder, link[0])), part)
            yield {"cell_type": "markdown", "metadata": {}, "source": moved.strip()}


def _program(session: str) -> str:
    """What was typed in an interactive session, without the answers."""
    typed = [line for line in session.splitlines() if line.startswith((">>> ", "... ", "..."))]
    return "\n".join(line[4:] for line in typed)


def main() -> None:
    """Write the notebooks."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else COURSE
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        path = folder / f"{part}.ipynb"
        path.write_text(json.dumps(notebook(part), indent=1, ensure_ascii=False) + "\n", "utf-8")
        print(path)


if __name__ == "__main__":
    main()
