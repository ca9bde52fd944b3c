r"""Character classes of Java's regular expressions, as sets of code points.

The rules are those of `java.util.regex.Pattern` in Java 17: unions (`[a-z[.]]`), intersections
(`[a-z&&[^aeiou]]`), predefined classes (`\d`, `\h`) and properties (`\p{L}`, `\p{Punct}`).
"""

from __future__ import annotations

import re
import string
from typing import NoReturn

from minner.errors import MinnerError
from minner.sparknlp.code_points import CodePoints
from minner.sparknlp.java_properties import named

_BLANK = CodePoints.from_text(
    " \t\u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u202f\u205f\u3000"
)
_LINE_BREAKS = CodePoints.from_text("\n\v\f\r\u0085\u2028\u2029")
_SETS = {
    "d": CodePoints.from_text(string.digits),
    "s": CodePoints.from_text(" \t\n\v\f\r"),
    "w": CodePoints.from_text(string.ascii_letters + string.digits + "_"),
    "h": _BLANK,
    "v": _LINE_BREAKS,
}
"""The predefined classes; a capital letter is the complement. All but h and v are ASCII."""

_CHARACTERS = {"t": 9, "n": 10, "f": 12, "r": 13, "a": 7, "e": 27}

_NUMBERED = re.compile(
    r"x(?:(?P<x>[0-9a-fA-F]{2})|\{(?P<braces>[0-9a-fA-F]+)\})"
    r"|u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u(?P<u>[0-9a-fA-F]{4})"
    r"|0(?P<octal>[0-3][0-7]{2}|[0-7]{1,2})"
    r"|c(?P<control>.)",
    re.DOTALL,
)
"""What follows the backslash of a character that is given by its number."""


class Source:
    """A pattern that is being read, from its beginning to its end."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        # \Q...\E quotes: each character of it becomes one that has no other meaning.
        self.text = re.sub(
            r"\\Q(.*?)(?:\\E|\Z)|(\\.)",
            lambda found: found[2] or "".join(f"\\x{{{ord(c):x}}}" for c in found[1]),
            pattern,
            flags=re.DOTALL,
        )
        self.place = 0

    def peek(self, ahead: int = 0) -> str:
        """The character that comes next, or later; empty at the end."""
        return self.text[self.place + ahead : self.place + ahead + 1]

    def take(self) -> str:
        """The next character, which is then behind."""
        character = self.peek()
        self.place += 1
        return character

    def skip(self, expected: str) -> bool:
        """Whether this comes next; if so, it is then behind."""
        found = self.text.startswith(expected, self.place)
        self.place += len(expected) * found
        return found

    def take_match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What matches here, which is then behind."""
        found = pattern.match(self.text, self.place)
        if found:
            self.place = found.end()
        return found

    def refuse(self, why: str) -> NoReturn:
        """Raise a MinnerError that names the pattern."""
        raise MinnerError(f"{self.pattern!r} is no regular expression of Java's: {why}")

    def cannot(self, what: str) -> NoReturn:
        """Raise a MinnerError for what Java knows and minner does not."""
        raise MinnerError(f"{self.pattern!r} has {what}, which minner does not read")


def read_class(source: Source, ignore_case: bool) -> CodePoints:
    """The set of a class; the opening bracket is behind, as the closing one is afterwards."""
    found = _members(source, ignore_case, negative=source.skip("^"))
    source.skip("]")
    return found


def _members(source: Source, ignore_case: bool, negative: bool = False) -> CodePoints:
    """The members of a class up to its closing bracket, which stays."""
    found: CodePoints | None = None
    while source.peek() != "]" or found is None:
        if not source.peek():
            source.refuse("a character class is not closed")
        if source.skip("["):
            right = read_class(source, ignore_case)
        elif source.skip("&&"):
            right = _intersected(source, ignore_case)
            found = right if found is None else found & right
            continue
        else:
            right = _item(source, ignore_case)
        found = right if found is None else found | right
    return ~found if negative else found


def _intersected(source: Source, ignore_case: bool) -> CodePoints:
    """What stands behind `&&`, up to the next one or the end of the class."""
    found: CodePoints | None = None
    while source.peek() not in ("]", "&", ""):
        if source.skip("["):
            right = read_class(source, ignore_case)
        else:
            right = _members(source, ignore_case)
        found = right if found is None else found | right
    if found is None:  # Java 17 fails on some of these when it matches
        source.cannot("nothing behind && in a character class")
    return found


def _item(source: Source, ignore_case: bool) -> CodePoints:
    """A character, a range of them, or a set that has a name."""
    is_vertical = source.text.startswith(r"\v-", source.place)
    first = _character(source, ignore_case)
    if is_vertical:
        source.cannot(r"\v before a hyphen in a character class")  # U+000B alone, for Java
    if isinstance(first, CodePoints):
        return first
    last = first
    if source.peek() == "-" and source.peek(1) not in ("[", "]", ""):
        source.take()
        end = _character(source, ignore_case)
        if isinstance(end, CodePoints) or end < first:
            source.refuse("a range of characters has no such end")
        last = end
    found = CodePoints.of([(first, last)])
    return found.in_either_case() if ignore_case else found


def _character(source: Source, ignore_case: bool) -> int | CodePoints:
    if not source.skip("\\"):
        return ord(source.take())
    found = read_escape(source, ignore_case)
    if found is None:
        source.refuse(f"it has no \\{source.peek()} in a character class")
    return found


def read_escape(source: Source, ignore_case: bool) -> int | CodePoints | None:
    """The character or the set that follows a backslash; None, and nothing read, for the rest."""
    letter = source.peek()
    if letter in ("p", "P"):
        source.take()
        name = _property_name(source)
        points = named(name, ignore_case)
        if points is None:
            source.cannot(f"the property {name!r}")
        return ~points if letter == "P" else points
    if letter.lower() in _SETS:
        source.take()
        return _SETS[letter] if letter.islower() else ~_SETS[letter.lower()]
    if letter in _CHARACTERS:
        return _CHARACTERS[source.take()]
    if found := source.take_match(_NUMBERED):
        return _number(source, found)
    if not letter:
        source.refuse("it ends with a backslash")
    return None if letter.isascii() and letter.isalnum() else ord(source.take())


def _property_name(source: Source) -> str:
    if not source.skip("{"):
        return source.take()
    end = source.text.find("}", source.place)
    if end < 0:
        source.refuse("the name of a property is not closed")
    name = source.text[source.place : end]
    source.place = end + 1
    return name


def _number(source: Source, found: re.Match[str]) -> int:
    if found["control"]:
        return ord(found["control"]) ^ 64
    if found["octal"]:
        return int(found["octal"], 8)
    if found["high"]:
        pair = bytes.fromhex(found["high"] + found["low"])
        return ord(pair.decode("utf-16-be"))
    code = int(found["x"] or found["braces"] or found["u"], 16)
    if code > 0x10FFFF:
        source.refuse(f"there is no character {code:x}")
    return code
