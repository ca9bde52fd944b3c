"""What an output format says of itself, and the table of all formats."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from minner.tagger import Tagger

Write = Callable[[Tagger, Iterable[str]], Iterator[str]]
"""From a model and a stream of texts to blocks of output, in bounded memory."""

WriteFolder = Callable[[Tagger, Iterable[str], Path], None]

OFFSETS = frozenset({"offsets", "inclusive_ends"})
"""The rules that a format with offsets of its own, or none, cannot show."""


@dataclass(frozen=True)
class Format:
    """An output format of `minner tag`.

    Attributes:
        write: what it writes.
        summary: of what it holds, for the help of `--format`.
        refuses: the options of `minner.load` that it cannot show.
        refuses_decoders: the decoders whose work it cannot show.
        reason: why it refuses them, after "needs another format: ".
        keeps_line_ends: whether its texts are the lines of one document, with their line ends.
        write_folder: writes a folder with files for each text; None: it has no such form.
    """

    write: Write
    summary: str
    refuses: Collection[str] = ()
    refuses_decoders: Collection[str] = ()
    reason: str = ""
    keeps_line_ends: bool = False
    write_folder: WriteFolder | None = None


FORMATS: dict[str, Format] = {}
"""Formats by the name that `--format` takes; each module of this package adds its own."""
