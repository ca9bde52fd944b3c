"""The notebooks of the course: each part runs from top to bottom, and says what its pages say."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient", reason="running notebooks needs the extra `docs`")
nbformat = pytest.importorskip("nbformat", reason="running notebooks needs the extra `docs`")
pytest.importorskip("ipykernel", reason="running notebooks needs the extra `docs`")

ROOT = Path(__file__).parents[1]
COURSE = ROOT / "docs" / "course"
sys.path.insert(0, str(COURSE))
notebooks = importlib.import_module("notebooks")


@pytest.mark.parametrize("part", notebooks.PARTS)
def test_a_notebook_runs_from_top_to_bottom(part: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    book = nbformat.from_dict(notebooks.notebook(part))
    nbformat.validate(book)
    here = {"metadata": {"path": str(ROOT)}}
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3", resources=here).execute()
    ran = [cell for cell in book.cells if cell.cell_type == "code"]
    assert ran
    assert all(cell.execution_count for cell in ran)


def test_every_page_of_the_course_is_in_a_notebook() -> None:
    assert [*notebooks.PARTS] == ["model", "machine", "measuring"]
    pages = {page for part in notebooks.PARTS.values() for page in part}
    there = {path.relative_to(COURSE).with_suffix("").as_posix() for path in COURSE.rglob("*.md")}
    assert pages == there - {"lecturers"}


def test_links_of_a_notebook_lead_to_files() -> None:
    for part in notebooks.PARTS:
        for cell in notebooks.notebook(part)["cells"]:
            if cell["cell_type"] == "markdown":
                for link in notebooks.LINK.findall(cell["source"]):
                    assert (COURSE / link.partition("#")[0]).exists(), link
