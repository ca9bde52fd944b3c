"""The standoff format of the annotation tool brat: https://brat.nlplab.org/standoff.html.

In brat a document is a pair of files, `NAME.txt` with the text and `NAME.ann` with its annotations;
a collection is a folder of such pairs. An entity is one line of the `.ann` file, and so its text
must not hold a line break: an entity that does is written in fragments, as brat itself writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

from minner.entity import Entity
from minner.errors import MinnerError
from minner.formats.registry import FORMATS, OFFSETS, Format
from minner.formats.tagged import tagged
from minner.tagger import Tagger

# Where a reader of lines, brat's included, would end one (see `str.splitlines`), and the tab, which
# ends a column.
_BREAKS = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")
_SPACES = re.compile(r"\s+")
_SURROGATES = re.compile("[\ud800-\udfff]")


def brat(ner: Tagger, texts: Iterable[str]) -> Iterator[str]:
    """The `.ann` file of one document, whose lines are the texts.

    Args:
        ner: the model.
        texts: the lines of the document. Offsets run through all of it, so that each must still
            have its line end; where there is none, one of one character is counted.
    """
    start, numbers = 0, count(1)
    for text, found in tagged(ner, texts):
        for entity in found:
            yield _line(entity, start, next(numbers))
        start += len(text) + (not text.endswith("\n"))


def write_collection(ner: Tagger, texts: Iterable[str], folder: Path) -> None:
    """Write a collection in which each text is a document: `000001.txt`, `000001.ann`, ...

    The entity types are declared in `annotation.conf`, without which brat would not know them.

    Raises:
        MinnerError: the folder cannot be made, or has files in it.
    """
    types = "".join(f"{_type(label)}\n" for label in ner.entity_labels)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise MinnerError(f"{folder}: the folder has files in it; name a new one")
        _write(
            folder / "annotation.conf",
            [f"[entities]\n{types}\n[relations]\n\n[events]\n\n[attributes]\n"],
        )
        for number, (text, found) in enumerate(tagged(ner, texts), start=1):
            lines = (_line(entity, 0, i) for i, entity in enumerate(found, start=1))
            _write(folder / f"{number:06}.txt", [text])
            _write(folder / f"{number:06}.ann", lines)
    except OSError as error:
        raise MinnerError(f"{folder}: cannot be written: {error.strerror}") from error


def _line(entity: Entity, start: int, number: int) -> str:
    """`T1`, tab, type and spans, tab, text; `start` is where the entity's text starts."""
    fragments, at = [], 0
    for space in _SPACES.finditer(entity.text):
        if not _BREAKS.isdisjoint(space[0]):
            fragments.append((at, space.start()))
            at = space.end()
    fragments.append((at, len(entity.text)))
    start += entity.start
    spans = ";".join(f"{start + first} {start + last}" for first, last in fragments)
    text = " ".join(entity.text[first:last] for first, last in fragments)
    return f"T{number}\t{_type(entity.label)} {spans}\t{text}\n"


def _type(label: str) -> str:
    """A label as a type, which ends at white space."""
    return _SPACES.sub("_", label) or "_"


def _write(path: Path, parts: Iterable[str]) -> None:
    # newline="": the offsets count the line ends of the text as they are. A lone surrogate has no
    # UTF-8; U+FFFD has the same length.
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(_SURROGATES.sub("\ufffd", part) for part in parts)


FORMATS["brat"] = Format(
    brat,
    summary="the .ann file of a file of texts",
    refuses=OFFSETS,
    reason="has offsets of its own",
    keeps_line_ends=True,
    write_folder=write_collection,
)
