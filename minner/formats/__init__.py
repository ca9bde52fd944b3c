"""What `minner tag` writes: one module per format, each a stream of blocks of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from minner.formats.brat import brat
from minner.formats.conll import conll
from minner.formats.displacy import displacy
from minner.formats.html import html
from minner.formats.jsonl import jsonl, jsonl_words
from minner.formats.sparknlp import sparknlp
from minner.formats.table import table
from minner.tagger import Tagger

FORMATS: dict[str, Callable[[Tagger, Iterable[str]], Iterator[str]]] = {
    "table": table,
    "jsonl": jsonl,
    "jsonl-words": jsonl_words,
    "conll": conll,
    "brat": brat,
    "displacy": displacy,
    "html": html,
    "sparknlp": sparknlp,
}
"""Formats by the name that `--format` takes."""
