r"""Java's regular expressions, translated to Python's.

The rules are those of `java.util.regex.Pattern` in Java 17. The translation has only what both
languages understand alike: every character class is its set of code points, every flag and anchor
is spelled out. Where Java keeps other groups than Python after it has gone back on its way (groups
in look-arounds, in atomic groups, in repetitions of what may be empty), the pattern is refused.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from minner.sparknlp.code_points import CodePoints
from minner.sparknlp.java_classes import Source, read_class, read_escape

_END = r"\Z"
_BEFORE_LAST_BREAK = rf"(?:(?=(?:\r\n|[\r\x85\u2028\u2029])?{_END})|(?<!\r)(?=\n{_END}))"
_AT_LINE_START = rf"(?!{_END})(?:\A|(?<=[\n\x85\u2028\u2029])|(?<=\r)(?!\n))"
_AT_LINE_END = rf"(?:{_END}|(?=[\r\x85\u2028\u2029])|(?<!\r)(?=\n))"

# A word character, or a combining mark on a letter or digit.
_WORD_BEFORE = r"(?:(?<=[\p{L}\p{Nd}_])|(?<=[\p{L}\p{Nd}]\p{Mn}+))"
_WORD_AFTER = r"(?:(?=[\p{L}\p{Nd}_])|(?<=[\p{L}\p{Nd}]\p{Mn}*)(?=\p{Mn}))"
_ANCHORS = {
    "A": r"\A",
    "z": _END,
    "Z": _BEFORE_LAST_BREAK,
    "b": rf"(?:{_WORD_BEFORE}(?!{_WORD_AFTER})|(?!{_WORD_BEFORE}){_WORD_AFTER})",
    "B": rf"(?:{_WORD_BEFORE}{_WORD_AFTER}|(?!{_WORD_BEFORE})(?!{_WORD_AFTER}))",
}
_LINE_BREAK = r"(?:\r\n|[\n\v\f\r\x85\u2028\u2029])"

_NOT_A_BREAK = ~CodePoints.from_text("\n\r\u0085\u2028\u2029")
_EVERYTHING = ~CodePoints(())

_REPETITION = re.compile(r"\*|\+|\?|\{([0-9]+)(,([0-9]*))?\}")
_NAME = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)>")
_FLAGS = re.compile(r"([idmsuxU]*)(?:-([idmsuxU]*))?([:)])")


class _Flags(NamedTuple):
    ignore_case: bool = False
    multiline: bool = False
    dot_all: bool = False


_FLAG_NAMES = dict(zip("ims", _Flags._fields, strict=True))


class _Part(NamedTuple):
    """A part of a pattern: its translation, and what decides whether it may be repeated."""

    text: str
    may_be_empty: bool = False
    captures: bool = False


class Parser:
    """Reads a pattern by recursive descent; each method gives what it read."""

    def __init__(self, source: Source) -> None:
        """Stand at the beginning of a pattern."""
        self._source = source
        self._flags = _Flags()
        self._opened = 0
        self._closed: set[int] = set()
        self._names: dict[str, int] = {}
        self._may_capture = True
        self._looks_behind = False

    def parse(self) -> str:
        """The whole pattern, as Python writes it."""
        translated = self._alternatives().text
        if self._source.peek():
            self._source.refuse("a closing parenthesis has no opening one")
        return translated

    def _alternatives(self) -> _Part:
        found = [self._sequence()]
        while self._source.skip("|"):
            found.append(self._sequence())
        return _Part(
            "|".join(part.text for part in found),
            any(part.may_be_empty for part in found),
            any(part.captures for part in found),
        )

    def _sequence(self) -> _Part:
        found = []
        while self._source.peek() not in ("|", ")", ""):
            atom = self._atom()
            if atom is not None:
                found.append(self._repeated(atom))
        return _Part(
            "".join(part.text for part in found),
            all(part.may_be_empty for part in found),
            any(part.captures for part in found),
        )

    def _repeated(self, atom: _Part) -> _Part:
        source = self._source
        found = source.take_match(_REPETITION)
        if not found:
            return atom
        least, most = _bounds(found)
        if most is not None and least > most:
            source.refuse(f"{found[0]} repeats more often than it may")
        if most is None and self._looks_behind:
            source.refuse("a look-behind needs a greatest length")
        if most != 1 and atom.captures and atom.may_be_empty:
            source.cannot("a repetition of a group that may be empty")
        kind = source.take() if source.peek() in ("?", "+") else ""
        if kind == "+":
            self._check_atomic(atom)
        text = f"(?:{atom.text}){found[0]}{kind}"
        return _Part(text, not least or atom.may_be_empty, atom.captures)

    def _atom(self) -> _Part | None:
        """What may be repeated; None for flags, such as `(?i)`, which have no text of their own."""
        source = self._source
        character = source.take()
        if character == "(":
            return self._group()
        if character == "[":
            return _Part(read_class(source, self._flags.ignore_case).pattern())
        if character == "\\":
            return self._escape()
        if character == ".":
            return _Part((_EVERYTHING if self._flags.dot_all else _NOT_A_BREAK).pattern())
        if character == "^":
            return _anchor(_AT_LINE_START if self._flags.multiline else r"\A")
        if character == "$":
            return _anchor(_AT_LINE_END if self._flags.multiline else _BEFORE_LAST_BREAK)
        if character in "*+?{":
            source.refuse(f"{character!r} repeats nothing")
        return self._character(ord(character))

    def _character(self, code: int) -> _Part:
        points = CodePoints(((code, code),))
        return _Part((points.in_either_case() if self._flags.ignore_case else points).pattern())

    def _escape(self) -> _Part:
        source = self._source
        found = read_escape(source, self._flags.ignore_case)
        if isinstance(found, CodePoints):
            return _Part(found.pattern())
        if found is not None:
            return self._character(found)
        letter = source.take()
        if letter == "R":
            return _Part(_LINE_BREAK)
        if letter in _ANCHORS and not (letter == "b" and source.peek() == "{"):
            return _anchor(_ANCHORS[letter])
        if letter == "k" and (name := source.take_match(_NAME)):
            return self._back_reference(self._names.get(name[1], 0))
        if letter in "123456789":
            return self._back_reference(self._group_number(letter))
        if letter in "bGXN":
            source.cannot(f"\\{letter}{source.peek()}")
        source.refuse(f"it has no \\{letter}")

    def _group_number(self, digits: str) -> int:
        r"""A number as long as there are that many groups: `\10` may be `\1` and a zero."""
        while self._source.peek().isdecimal() and int(digits + self._source.peek()) <= self._opened:
            digits += self._source.take()
        return int(digits)

    def _back_reference(self, group: int) -> _Part:
        if group not in self._closed:
            self._source.cannot("a reference to a group that is not closed before it")
        if self._flags.ignore_case:
            self._source.cannot("a reference to a group under (?i)")
        return _Part(f"(?:\\{group})", may_be_empty=True)

    def _group(self) -> _Part | None:
        """A group, whose opening parenthesis is behind."""
        source = self._source
        if not source.skip("?"):
            return self._capture(None)
        for opening in (":", ">"):
            if source.skip(opening):
                body = self._body(self._flags)
                if opening == ">":
                    self._check_atomic(body)
                return body._replace(text=f"(?{opening}{body.text})")
        for opening in ("=", "!", "<=", "<!"):
            if source.skip(opening):
                return self._look_around(opening)
        if name := source.take_match(_NAME):
            return self._capture(name[1])
        return self._flag_group()

    def _check_atomic(self, part: _Part) -> None:
        """Refuse what Java does differently where it never goes back into what it has matched."""
        if part.captures or self._looks_behind:
            self._source.cannot(
                "an atomic group or possessive quantifier around a group that captures, or inside "
                "a look-behind"
            )

    def _look_around(self, opening: str) -> _Part:
        """Without groups that capture: Java and Python keep them differently."""
        before = self._may_capture, self._looks_behind
        self._may_capture = False
        self._looks_behind = "<" in opening or self._looks_behind
        body = self._body(self._flags)
        self._may_capture, self._looks_behind = before
        return body._replace(text=f"(?{opening}{body.text})", may_be_empty=True)

    def _capture(self, name: str | None) -> _Part:
        if not self._may_capture:
            self._source.cannot("a group that captures inside a look-ahead or look-behind")
        self._opened += 1
        number = self._opened
        if name in self._names:
            self._source.refuse(f"two groups have the name {name!r}")
        if name:
            self._names[name] = number
        body = self._body(self._flags)
        self._closed.add(number)
        return _Part(f"({body.text})", body.may_be_empty, captures=True)

    def _flag_group(self) -> _Part | None:
        found = self._source.take_match(_FLAGS)
        if not found:
            self._source.refuse("(? begins no kind of group")
        on, off = found[1], found[2] or ""
        for flag in on + off:
            if flag not in _FLAG_NAMES:
                self._source.cannot(f"the flag {flag!r}")
        flags = self._flags._replace(**{_FLAG_NAMES[flag]: True for flag in on})
        flags = flags._replace(**{_FLAG_NAMES[flag]: False for flag in off})
        if found[3] == ":":
            body = self._body(flags)
            return body._replace(text=f"(?:{body.text})")
        self._flags = flags  # to the end of the group that these stand in
        return None

    def _body(self, flags: _Flags) -> _Part:
        """What is inside a group, read under these flags, and its closing parenthesis."""
        before, self._flags = self._flags, flags
        body = self._alternatives()
        self._flags = before
        if not self._source.skip(")"):
            self._source.refuse("a group is not closed")
        return body


def _bounds(repetition: re.Match[str]) -> tuple[int, int | None]:
    """How often something is repeated, at least and at most."""
    if not repetition[1]:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[repetition[0]]
    least = int(repetition[1])
    if not repetition[2]:
        return least, least
    return least, int(repetition[3]) if repetition[3] else None


def _anchor(text: str) -> _Part:
    return _Part(text, may_be_empty=True)
