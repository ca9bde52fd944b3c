"""CoNLL files: one word per line, its tag in the last column, a blank line between sentences.

The rules are those of the CoNLL shared tasks and of ``conlleval.pl``:

- Columns are separated by tabs or, in a line without a tab, by spaces, and by nothing else: beside
  tabs a word may hold spaces, or be empty, as in the Broad Twitter Corpus; everywhere it may hold a
  no-break space or U+0085, at which Python's own ``split`` and ``splitlines`` would cut it.
- The first column is the word, the last its gold tag. In a guess file, the kind that conlleval
  reads, the last two are the gold tag and the guessed tag.
- A line of white space ends a sentence. So does a ``-DOCSTART-`` line, which starts a document in
  CoNLL-2003 and holds no word: without those lines its test set has the 46,435 words that papers
  and model cards count.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO

from minner.chunks import conlleval_chunks
from minner.errors import MinnerError, warn

_DOCUMENT_START = "-DOCSTART-"
_TABS = re.compile(" *\t+ *")
_SPACES = re.compile(" +")

# What the error handler "surrogateescape" makes of a byte that is not UTF-8. Nothing that is UTF-8
# decodes to these, so they can be found after decoding, when the line number is known.
_UNDECODED = re.compile("[\udc80-\udcff]")


class Sentence(NamedTuple):
    """The words of one sentence, their gold tags and, from a guess file, their guessed tags."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    guess: tuple[str, ...] = ()


def read_conll(
    source: str | os.PathLike[str] | TextIO, *, guess: bool = False
) -> Iterator[Sentence]:
    """Read the sentences of a CoNLL file one at a time; an empty file has none.

    Args:
        source: a path, or an open text stream, which is left open.
        guess: whether the last two columns are gold and guess.

    Raises:
        MinnerError: when the file cannot be opened or is not UTF-8, a line has too few columns, or
            two lines have different numbers of columns. A tag of no scheme is a MinnerWarning.
    """
    if isinstance(source, (str, os.PathLike)):
        with _open(source) as stream:
            yield from _sentences(stream, os.fspath(source), guess)
    else:
        yield from _sentences(source, getattr(source, "name", "<stream>"), guess)


def _open(path: str | os.PathLike[str]) -> TextIO:
    try:
        # newline="\n": a carriage return inside a line does not end it.
        return open(path, encoding="utf-8", errors="surrogateescape", newline="\n")
    except OSError as error:
        raise MinnerError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from error


def _sentences(lines: Iterable[str], name: str, guess: bool) -> Iterator[Sentence]:
    """Gather the rows up to each boundary into a sentence."""
    rows: list[list[str]] = []
    for columns in _rows(lines, name, least=3 if guess else 2):
        if columns:
            rows.append(columns)
        elif rows:
            yield _sentence(rows, guess)
            rows = []
    if rows:
        yield _sentence(rows, guess)


def _sentence(rows: list[list[str]], guess: bool) -> Sentence:
    words = tuple(row[0] for row in rows)
    last = tuple(row[-1] for row in rows)
    if not guess:
        return Sentence(words, last)
    return Sentence(words, tags=tuple(row[-2] for row in rows), guess=last)


def _rows(lines: Iterable[str], name: str, least: int) -> Iterator[list[str]]:
    """Split each line into its columns; a sentence boundary gives an empty list."""
    width, warned = 0, False
    for number, line in _numbered(lines, name):
        columns = _columns(line)
        if columns[0] == _DOCUMENT_START or not line.strip():
            yield []
            continue
        if len(columns) < least:
            problem = f"columns: {len(columns)}, but at least {least} are needed"
            raise MinnerError(f"{name}:{number}: {problem}")
        if width and len(columns) != width:
            problem = f"columns: {len(columns)}, but {width} in the lines before"
            raise MinnerError(f"{name}:{number}: {problem}")
        width = len(columns)
        if not warned:
            warned = _warn_of_odd_tag(f"{name}:{number}", columns[1 - least :])
        yield columns


def _warn_of_odd_tag(place: str, tags: list[str]) -> bool:
    """Warn of a tag that is neither in a chunk nor says that it is outside of all."""
    for tag in tags:
        if tag != "O" and not conlleval_chunks([tag]):
            warn(
                f"{place}: the tag {tag!r} is neither O nor like B-PER; such tags are in no phrase"
            )
            return True
    return False


def _columns(line: str) -> list[str]:
    line = line.rstrip(" \t\r\n")
    return _TABS.split(line) if "\t" in line else _SPACES.split(line.lstrip(" "))


def _numbered(lines: Iterable[str], name: str) -> Iterator[tuple[int, str]]:
    """Number the lines from 1, drop a byte order mark, refuse what is not UTF-8."""
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            if _UNDECODED.search(line):
                raise MinnerError(f"{name}:{number}: not UTF-8")
            yield number, line.removeprefix("\ufeff") if number == 1 else line
    except UnicodeDecodeError as error:
        # From a caller's own stream, which decodes some way ahead of the line it hands out.
        raise MinnerError(f"{name}: not UTF-8, in line {number + 1} or later") from error
