r"""Java's regular expressions, compiled for Python.

Spark NLP's patterns are Java's, and the two languages read many patterns in two ways: `[a-z[.]]`,
`\b` before an é, `$` before a last U+2028, `(?i)`. So `java_parser` reads a pattern by Java's rules
and writes it anew for Python. What cannot be translated is refused; nothing is passed on unread.

Python's `re` runs the result, or the package `regex` where `re` lacks something: word boundaries
(which heed combining marks in Java), look-behind of more than one length, and, in Python 3.10,
possessive quantifiers.

A character beyond U+FFFF is one character here. Java, too, matches it as one, but there an empty
match may stand between its two halves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import cast

from minner.errors import MinnerError
from minner.sparknlp.java_classes import Source
from minner.sparknlp.java_parser import Parser


def compile_java(pattern: str) -> re.Pattern[str]:
    """A compiled pattern that matches where Java's does, with the same groups.

    Raises:
        MinnerError: it is no regular expression of Java's, has something that minner does not
            read, or needs the package `regex`, which is not installed.
    """
    source = Source(pattern)
    translated = Parser(source).parse()
    try:
        return re.compile(translated)
    except (re.error, OverflowError):  # what only the package knows
        pass
    try:
        regex = import_module("regex")
    except ImportError:
        raise MinnerError(
            f"{pattern!r} needs the package regex, for a word boundary, a look-behind of more than "
            f"one length or a possessive quantifier: pip install 'minner-ner[sparknlp]'"
        ) from None
    try:
        return cast("re.Pattern[str]", regex.compile(translated))
    except (regex.error, OverflowError) as error:
        source.refuse(str(error))


def find_all(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The matches that Java finds one after the other.

    Where one is empty, Java looks for the next behind the character that follows it, and Python, at
    the same place, for one that is not.
    """
    place = 0
    while place <= len(text) and (found := pattern.search(text, place)):
        yield found
        place = found.end() + (found.start() == found.end())
