"""The examples of the documentation say what minner does."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from minner.tagger import Tagger

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("page", ["conventions.md"])
def test_examples(page: str, embedded: Tagger) -> None:
    found = doctest.testfile(str(DOCS / page), module_relative=False, encoding="utf-8")
    assert found.attempted > 20
    assert not found.failed
