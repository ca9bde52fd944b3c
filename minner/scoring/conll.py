"""CoNLL files: one word per line, its tag in a column, a blank line between sentences.

The rules are those of the CoNLL shared tasks and of ``conlleval.pl``, and for comments and numbered
words those of CoNLL-U:

- Columns are separated by tabs or, in a line without a tab, by spaces, and by nothing else: beside
  tabs a word may hold spaces, or be empty, as in the Broad Twitter Corpus; everywhere it may hold a
  no-break space or U+0085, at which Python's own ``split`` and ``splitlines`` would cut it.
- The first column is the word, the last its gold tag. In a guess file, the kind that conlleval
  reads, the last two are the gold tag and the guessed tag, and there may be no word.
- A line of white space ends a sentence. So does one whose first column is ``-X-``, conlleval's mark
  of a boundary, or ``-DOCSTART-``, which starts a document in CoNLL-2003 and holds no word: without
  those lines its test set has the 46,435 words that papers and model cards count.
- Where the first column counts the words of the first sentence (1, 2, 3), the words are in the
  second, as in CoNLL-U. A line numbered ``8-9`` or ``8.1`` then is no word of its own.
- In a file with tabs, a line without one that begins with ``#`` is a comment, but not where both it
  and the file have two columns. ``# global.columns = ID FORM TAG`` names the columns, as in CoNLL-U
  Plus.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import NamedTuple, TextIO

from minner.errors import MinnerError

Column = int | str
"""A column by its number, from 1, or from -1 at the end; or by its name in `global.columns`."""

_BOUNDARIES = ("-DOCSTART-", "-X-")
_TABS = re.compile(" *\t+ *")
_SPACES = re.compile(" +")
_NAMES = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
_NO_WORD = re.compile(r"\d+[-.]\d+")

# What the error handler "surrogateescape" makes of a byte that is not UTF-8. Nothing that is UTF-8
# decodes to these, so they can be found after decoding, when the line number is known.
_UNDECODED = re.compile("[\udc80-\udcff]")


class Sentence(NamedTuple):
    """The words of one sentence, their gold tags and, from a guess file, their guessed tags.

    In a guess file without words, the words are empty strings.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    guess: tuple[str, ...] = ()


def read_conll(
    source: str | os.PathLike[str] | TextIO,
    *,
    guess: bool = False,
    word_column: Column | None = None,
    gold_column: Column | None = None,
) -> Iterator[Sentence]:
    """Read the sentences of a CoNLL file one at a time; an empty file has none.

    Args:
        source: a path, or an open text stream, which is left open.
        guess: whether the last column holds guesses, and the one before it the gold tags.
        word_column: where the words are, if not in the first column.
        gold_column: where the gold tags are, if not in the last column.

    Raises:
        MinnerError: when the file cannot be opened or is not UTF-8, a line has too few columns, two
            lines have different numbers of columns, or there is no such column.
    """
    opened: AbstractContextManager[TextIO]
    if isinstance(source, (str, os.PathLike)):
        name, opened = os.fspath(source), _open(source)
    else:
        name, opened = getattr(source, "name", "<stream>"), nullcontext(source)
    with opened as stream:
        yield from _Reader(name, guess, word_column, gold_column).sentences(stream)


def _open(path: str | os.PathLike[str]) -> TextIO:
    try:
        # newline="\n": a carriage return inside a line does not end it.
        return open(path, encoding="utf-8", errors="surrogateescape", newline="\n")
    except OSError as error:
        raise MinnerError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from error


class _Reader:
    """Reads one file; what its first lines tell of all others is kept here."""

    def __init__(
        self, name: str, guess: bool, word_column: Column | None, gold_column: Column | None
    ) -> None:
        self._name, self._guess = name, guess
        self._word_column, self._gold_column = word_column, gold_column
        self._width = 0
        self._has_tabs = self._has_comments = False
        self._column_names: list[str] = []
        self._numbered: bool | None = None  # the words; None: not known before a first sentence

    def sentences(self, lines: Iterable[str]) -> Iterator[Sentence]:
        """Gather the rows up to each boundary into a sentence."""
        rows: list[list[str]] = []
        for columns in self._rows(lines):
            if columns:
                rows.append(columns)
            elif rows:
                yield self._sentence(rows)
                rows = []
        if rows:
            yield self._sentence(rows)

    def _rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Split each line into its columns; a sentence boundary gives an empty list."""
        numbered = _numbered(lines, self._name)
        head = []
        for number, line in numbered:
            head.append((number, line))
            if columns := self._row_without_doubt(line):
                self._width, self._has_tabs = len(columns), "\t" in line
                break
        for number, line in chain(head, numbered):
            columns = _columns(line)
            if _is_boundary(line, columns):
                yield []
            elif not self._is_comment(line, columns):
                self._check_width(number, columns)
                yield columns

    def _row_without_doubt(self, line: str) -> list[str]:
        """The columns of a line that is neither a boundary nor may be a comment."""
        columns = _columns(line)
        unsure = _is_boundary(line, columns) or (line.startswith("#") and "\t" not in line)
        return [] if unsure else columns

    def _is_comment(self, line: str, columns: list[str]) -> bool:
        if not (self._has_tabs and line.startswith("#")):
            return False
        if "\t" in line or len(columns) == self._width == 2:
            return False
        self._has_comments = True
        if names := _NAMES.match(line):
            self._column_names = names[1].split()
        return True

    def _check_width(self, number: int, columns: list[str]) -> None:
        problem = None
        if len(columns) < 2:
            problem = f"columns: {len(columns)}, but at least 2 are needed"
        elif self._width and len(columns) != self._width:
            problem = f"columns: {len(columns)}, but {self._width} in the lines before"
        if problem:
            raise MinnerError(f"{self._name}:{number}: {problem}")
        self._width = len(columns)

    def _sentence(self, rows: list[list[str]]) -> Sentence:
        if self._numbered is None:
            self._numbered = self._numbers_words(rows)
        if self._numbered:
            rows = [row for row in rows if not _NO_WORD.fullmatch(row[0])]
        word, gold = self._word_place(), self._gold_place()
        words = tuple("" if word is None else row[word] for row in rows)
        guess = tuple(row[-1] for row in rows) if self._guess else ()
        return Sentence(words, tuple(row[gold] for row in rows), guess)

    def _numbers_words(self, rows: list[list[str]]) -> bool:
        """Whether the first column counts 1, 2, 3; of a lone 1, only in a file with comments."""
        counted = [row[0] for row in rows if not _NO_WORD.fullmatch(row[0])]
        return (
            self._width > 2
            and counted == [str(i + 1) for i in range(len(counted))]
            and (len(counted) > 1 or self._has_comments)
        )

    def _word_place(self) -> int | None:
        """The index of the words' column; None in a guess file that has none."""
        if self._word_column is not None:
            return self._place(self._word_column)
        if self._guess and self._width == 2:
            return None
        if "FORM" in self._column_names:
            return self._place("FORM")
        return 1 if self._numbered else 0

    def _gold_place(self) -> int:
        if self._gold_column is not None:
            return self._place(self._gold_column)
        return self._width - (2 if self._guess else 1)

    def _place(self, column: Column) -> int:
        """The index of a column, which must exist."""
        if isinstance(column, str):
            if column in self._column_names:
                return self._column_names.index(column)
            known = ", ".join(self._column_names) or "none; use its number, from 1"
            raise MinnerError(f"{self._name} has no column {column!r}; named are: {known}")
        if not 1 <= abs(column) <= self._width:
            raise MinnerError(f"{self._name} has no column {column}; it has {self._width}")
        return column - 1 if column > 0 else self._width + column


def _is_boundary(line: str, columns: list[str]) -> bool:
    return columns[0] in _BOUNDARIES or not line.strip()


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
