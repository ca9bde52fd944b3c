"""The programs of docs/migrating.md, frames.md and presidio.md print what the pages say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from textwrap import dedent

import pytest

from spark_session import start_spark

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("migrating.md", "frames.md", "presidio.md")

BLOCK = re.compile(
    r"^ *```(?P<language>python|diff)\n(?P<source>.*?)^ *```\n"
    r"(?:\n *```text\n(?P<output>.*?)^ *```\n)?",
    re.MULTILINE | re.DOTALL,
)
"""A program, and the block of text that follows it where it prints something."""

NEEDS = {
    "spacy": ("spacy",),
    "import pandas": ("pandas",),
    "import polars": ("polars",),
    "presidio": ("presidio_analyzer", "presidio_anonymizer"),
    "from transformers": ("transformers", "torch"),
}
"""The packages that a program needs when its source names one of these modules."""


def programs() -> Iterator[object]:
    """A test for each program, named by its section and its number there."""
    text = "\n".join((DOCS / page).read_text(encoding="utf-8") for page in PAGES)
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title = section.splitlines()[0]
        for number, block in enumerate(BLOCK.finditer(section), start=1):
            source, output = (dedent(block[name] or "") for name in ("source", "output"))
            if block["language"] == "diff":
                source = minners_side(source)
            yield pytest.param(source, output, id=f"{title}, {number}")


def minners_side(diff: str) -> str:
    """The lines of a diff that are there afterwards."""
    return "\n".join(line[1:] for line in diff.splitlines() if not line.startswith("-"))


@contextmanager
def surroundings(program: str) -> Iterator[None]:
    """What a program needs beside minner; skips the test where that is not installed."""
    for module in (module for name in NEEDS if name in program for module in NEEDS[name]):
        pytest.importorskip(module, reason=f"{module} is not installed")
    if "spacy" in program:
        import_module("minner.spacy_component")  # spaCy finds it alone where minner is installed
    if "pyspark" not in program:
        yield
        return
    with start_spark("local[2]"):  # the program's getOrCreate finds this one
        yield


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # PySpark's own
@pytest.mark.parametrize(("program", "output"), list(programs()))
def test_program(program: str, output: str) -> None:
    printed = StringIO()
    with surroundings(program), redirect_stdout(printed):
        exec(compile(program, "<docs>", "exec"), {"__name__": "__main__"})
    assert printed.getvalue() == output
