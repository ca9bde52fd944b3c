r"""The properties that `\p{...}` names in Java's regular expressions.

General categories come from Python's `unicodedata`; scripts, blocks and the binary properties that
it lacks from the package `regex`. Where these know a newer Unicode than the JVM, the characters
that it added are the only ones that count otherwise.
"""

from __future__ import annotations

import re
import string
import sys
from functools import cache
from importlib import import_module

from minner.errors import MinnerError
from minner.sparknlp.code_points import CodePoints, with_category

_ASCII = {
    "ASCII": CodePoints.of([(0, 0x7F)]),
    "Alnum": CodePoints.from_text(string.ascii_letters + string.digits),
    "Alpha": CodePoints.from_text(string.ascii_letters),
    "Blank": CodePoints.from_text(" \t"),
    "Cntrl": CodePoints.of([(0, 0x1F), (0x7F, 0x7F)]),
    "Digit": CodePoints.from_text(string.digits),
    "Graph": CodePoints.of([(0x21, 0x7E)]),
    "Lower": CodePoints.from_text(string.ascii_lowercase),
    "Print": CodePoints.of([(0x20, 0x7E)]),
    "Punct": CodePoints.from_text(string.punctuation),
    "Space": CodePoints.from_text(" \t\n\v\f\r"),
    "Upper": CodePoints.from_text(string.ascii_uppercase),
    "XDigit": CodePoints.from_text(string.hexdigits),
}
"""The POSIX names, which are ASCII in Java."""

_CATEGORIES = re.compile("C[cfnos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?")
_CASED = ("Lu", "Ll", "Lt")
_UNIONS = {
    "LC": _CASED,
    "LD": ("L", "Nd"),
    "javaLetter": ("L",),
    "javaDigit": ("Nd",),
    "javaLetterOrDigit": ("L", "Nd"),
    "javaTitleCase": ("Lt",),
}
_RANGES = {"L1": (0, 0xFF), "all": (0, sys.maxunicode)}

_WHITE_SPACE = CodePoints.from_text(
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
_BINARY_CATEGORIES = {
    "LETTER": ("L",),
    "PUNCTUATION": ("P",),
    "CONTROL": ("Cc",),
    "DIGIT": ("Nd",),
    "TITLECASE": ("Lt",),
}
_BINARY = ("ALPHABETIC", "IDEOGRAPHIC", "LOWERCASE", "UPPERCASE")
"""Those that only the package `regex` knows."""


def named(name: str, ignore_case: bool) -> CodePoints | None:
    r"""The code points of a property; None where there is none of that name.

    Args:
        name: what stands in the braces of `\p{...}`.
        ignore_case: whether `(?i)` is in force, under which the cases are one.

    Raises:
        MinnerError: it needs the package `regex`, which is not installed.
    """
    kind, separator, value = name.partition("=")
    if separator:
        kind = kind.lower()
        if kind in ("gc", "general_category"):
            return _category(value, ignore_case)
        if kind in ("sc", "script"):
            return _by_regex(f"Script={value}")
        return _by_regex(f"Block={value}") if kind in ("blk", "block") else None
    if name.startswith("In"):
        return _by_regex(f"Block={name[2:]}")
    if name.startswith("Is"):
        return (
            _binary(name[2:].upper(), ignore_case)
            or _category(name[2:], ignore_case)
            or _by_regex(f"Script={name[2:]}")
        )
    return _category(name, ignore_case)


def _category(name: str, ignore_case: bool) -> CodePoints | None:
    """A general category, or another name that Java has beside them."""
    if ignore_case and name in _CASED:
        return with_category(*_CASED)
    if ignore_case and name in ("Lower", "Upper"):
        return _ASCII["Alpha"]
    if _CATEGORIES.fullmatch(name):
        return with_category(name)
    if name in _UNIONS:
        return with_category(*_UNIONS[name])
    return CodePoints((_RANGES[name],)) if name in _RANGES else _ASCII.get(name)


def _binary(name: str, ignore_case: bool) -> CodePoints | None:
    if ignore_case and name in ("LOWERCASE", "UPPERCASE", "TITLECASE"):
        return _by_regex("Lowercase", "Uppercase", "Lt")
    if name in ("WHITE_SPACE", "WHITESPACE"):
        return _WHITE_SPACE
    if name == "ASSIGNED":
        return ~with_category("Cn")
    if name in _BINARY_CATEGORIES:
        return with_category(*_BINARY_CATEGORIES[name])
    return _by_regex(name) if name in _BINARY else None


@cache
def _by_regex(*names: str) -> CodePoints | None:
    r"""What `[\p{name}...]` is for the package `regex`; None where it knows no such name."""
    try:
        regex = import_module("regex")
    except ImportError:
        raise MinnerError(
            f"the property {names[0]!r} needs the package regex: pip install 'minner-ner[sparknlp]'"
        ) from None
    properties = "".join(rf"\p{{{name}}}" for name in names)
    try:
        runs = regex.compile(f"[{properties}]+")
    except regex.error:
        return None
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    return CodePoints.of((run.start(), run.end() - 1) for run in runs.finditer(everything))
