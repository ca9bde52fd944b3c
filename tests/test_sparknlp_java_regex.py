"""Java's regular expressions: values of Java 17.0.15, and the JVM itself where there is one."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minner import MinnerError
from minner.sparknlp.code_points import CodePoints
from minner.sparknlp.java_properties import named
from minner.sparknlp.java_regex import compile_java, find_all
from minner.sparknlp.jvm import utf16_offsets


def matches(pattern: str, text: str) -> list[str]:
    return [found[0] for found in find_all(compile_java(pattern), text)]


# What Java 17.0.15 finds (`JavaRegex.java`).
@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("[a-z[.]]+", "a.b-[c]", ["a.b", "c"]),  # unions: Python's is a literal [
        ("[a-z&&[^aeiou]]+", "abcde", ["bcd"]),
        ("[a-c&&b-d[x]]+", "abcdx", ["bc"]),
        ("[^a[b]]+", "abc", ["c"]),  # the complement of all of it
        ("[]a]+", "a]b", ["a]"]),
        ("[[:alpha:]]+", "alpha:", ["alpha:"]),  # no POSIX class, but these characters
        (r"[\Qa-z\E]+", "a-mz", ["a-", "z"]),
        (r"\Qa.b\E+", "a.bb a-b", ["a.bb"]),
        (r"\p{L}+", "Zoë 中3", ["Zoë", "中"]),
        (r"\pLu", "éu", ["éu"]),
        (r"\P{Lu}+", "aÉB", ["a"]),
        (r"\p{Punct}+", "a$%–", ["$%"]),  # ASCII
        (r"\p{IsPunctuation}+", "a$%–", ["%–"]),
        (r"\w+", "Zoë_1", ["Zo", "_1"]),
        (r"(?i)[a-z]É", "Xé XÉ", ["XÉ"]),  # ASCII letters only
        (r"(?i)\p{Lu}+", "aÉé1", ["aÉé"]),
        (r"a.c", "a\u0085c a\rc abc", ["abc"]),
        (r"a(?s:.)c", "a\u0085c a\nc", ["a\u0085c", "a\nc"]),
        (r"a$", "a\u2028", ["a"]),
        (r"a$", "a\n\n", []),
        (r"(?m)^.", "a\r\nb\u0085c", ["a", "b", "c"]),
        (r"a++a", "aaa", []),
        (r"(?>a|ab)c", "abc", []),
        (r"(?<first>.)\k<first>", "abba", ["bb"]),
        (r"(.)\10", "aa0", ["aa0"]),  # group 1 and a zero, since there is no group 10
        (r"\u0041\x42\x{43}\0104\t", "ABCD\t", ["ABCD\t"]),
        (r"\ud83d\ude00.", "😀😀", ["😀😀"]),
        (r"\h\v\R", "\u00a0\u0085\r\n", ["\u00a0\u0085\r\n"]),
        ("x*", "axa", ["", "x", "", ""]),
        ("x??", "xx", ["", "", ""]),  # Python's own finditer has two x, too
    ],
)
def test_values(pattern: str, text: str, found: list[str]) -> None:
    assert matches(pattern, text) == found


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"\b.", "éa", ["é"]),  # a letter of any script, as up to Java 18
        (r"\b.", "a\u0301b", ["a"]),  # a combining mark belongs to its letter
        (r".\B", "a\u0301b.\u0301", ["a", "\u0301", ".", "\u0301"]),
        (r"(?<=a{1,2})b", "aab", ["b"]),
        (r"\p{IsHan}+", "中a", ["中"]),
        (r"\p{InGreek}+", "aα", ["α"]),
        (r"\p{script=latin}+", "aα", ["a"]),
        (r"\p{IsAlphabetic}+", "a\u0345b1", ["a\u0345b"]),
    ],
)
def test_values_of_the_package_regex(pattern: str, text: str, found: list[str]) -> None:
    pytest.importorskip("regex", reason="the package regex is not installed")
    assert matches(pattern, text) == found


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", "is no regular expression of Java's: a group is not closed"),
        (")", "a closing parenthesis has no opening one"),
        ("[a", "a character class is not closed"),
        ("[b-a]", "a range of characters has no such end"),
        (r"[a-\d]", "a range of characters has no such end"),
        ("a**", "'*' repeats nothing"),
        ("a{", "'{' repeats nothing"),
        ("a{,3}", "'{' repeats nothing"),
        ("a{2,1}", "{2,1} repeats more often than it may"),
        (r"\y", r"it has no \y"),
        (r"[\b]", r"it has no \b in a character class"),
        ("\\", "it ends with a backslash"),
        ("(?P<n>a)", "(? begins no kind of group"),
        ("(?<n>a)(?<n>b)", "two groups have the name 'n'"),
        ("(?<=a+)b", "a look-behind needs a greatest length"),
        (r"\x{110000}", "there is no character 110000"),
        (r"\p{IsNothing}", "has the property 'IsNothing', which minner does not read"),
        ("(?x)a", "has the flag 'x', which minner does not read"),
        ("(?U)a", "has the flag 'U', which minner does not read"),
        (r"\1(a)", "has a reference to a group that is not closed before it"),
        (r"(?i)(a)\1", "has a reference to a group under (?i)"),
        ("(a*)*", "has a repetition of a group that may be empty"),
        ("(a)++", "around a group that captures"),
        ("(?!(a))b", "has a group that captures inside a look-ahead"),
        (r"\Ga", r"has \G"),
        (r"[a&&]", "has nothing behind && in a character class"),
        (r"[\v-a]", r"has \v before a hyphen"),
    ],
)
def test_refusals(pattern: str, why: str) -> None:
    pytest.importorskip("regex", reason="the package regex is not installed")
    with pytest.raises(MinnerError, match=re.escape(why)) as caught:
        compile_java(pattern)
    assert repr(pattern) in str(caught.value)


@pytest.mark.parametrize("pattern", [r"a\b", "(?<=a|bc)d", r"\p{IsGreek}", r"\p{IsAlphabetic}"])
def test_without_the_package_regex(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "regex", None)
    named.__globals__["_by_regex"].cache_clear()
    with pytest.raises(MinnerError, match=r"needs the package regex.*'minner-ner\[sparknlp\]'"):
        compile_java(pattern)
    assert matches(r"[\p{L}&&[^x]]+", "éxa") == ["é", "a"]


POINTS = st.builds(
    CodePoints.of,
    st.lists(st.tuples(st.integers(60, 130), st.integers(0, 5)).map(lambda p: (p[0], sum(p)))),
)


@given(POINTS, POINTS)
@settings(max_examples=50)
def test_sets_of_code_points(some: CodePoints, others: CodePoints) -> None:
    def members(points: CodePoints) -> set[int]:
        return {c for first, last in points.ranges for c in range(first, last + 1) if c < 300}

    everything = set(range(300))
    assert members(some | others) == members(some) | members(others)
    assert members(some & others) == members(some) & members(others)
    assert members(~some) == everything - members(some)
    assert ~~some == some
    pattern = re.compile(some.pattern())
    assert {c for c in everything if pattern.fullmatch(chr(c))} == members(some)


# ---- the JVM ------------------------------------------------------------------------------------


def in_java(cases: Sequence[tuple[str, str]]) -> list[list[int] | None]:
    """Begins and ends of all groups of all matches, in UTF-16 units; None for an error."""
    java = shutil.which("java")
    if java is None:
        pytest.skip("there is no java on the path")
    run = subprocess.run(
        [java, str(Path(__file__).with_name("JavaRegex.java"))],
        input="".join(f"{digits(pattern)} {digits(text)}\n" for pattern, text in cases),
        capture_output=True,
        text=True,
    )
    if run.returncode:
        pytest.skip(f"this java runs no source files: {run.stderr[:200]}")
    lines = run.stdout.splitlines()
    return [None if "error" in line else [int(n) for n in line.split()] for line in lines]


def digits(text: str) -> str:
    return text.encode("utf-16-be", "surrogatepass").hex()


def here(pattern: re.Pattern[str], text: str) -> list[int]:
    units = [*utf16_offsets(text), -1]
    return [
        units[place]
        for found in find_all(pattern, text)
        for group in range(pattern.groups + 1)
        for place in found.span(group)
    ]


SETS = [
    r"\d", r"\w", r"\s", r"\h", r"\v", r"\D", r"\W", r"\p{L}", r"\p{Lu}", r"\P{L}", r"\pN",
    r"\p{Punct}", r"\p{Alpha}", r"\p{P}",
]  # fmt: skip
BINARY = [r"\p{IsAlphabetic}", r"\p{IsHan}", r"\p{InGreek}", r"\p{IsPunctuation}", r"\p{sc=Latin}"]
REPETITIONS = [*[""] * 4, "*", "+", "?", "*?", "+?", "??", "*+", "++", "?+", "{2}", "{1,2}"]
ANCHORS = ["^", "$", r"\b", r"\B", r"\A", r"\z", r"\Z", r"\R", "(?i)", "(?s)", "(?m)", r"\1", r"\2"]
GROUPS = ["", "", "", "?:", "?:", "?=", "?!", "?>", "?<=", "?<!", "?i:", "?<n>"]
ALPHABET = "aAbB1_'.-é\u0301\u0345ΣΩ\u2028\x85\n\r ß٣中"


class Patterns:
    """Random patterns, half of them nonsense."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, choices: Sequence[str]) -> str:
        return self.random.choice(choices)

    def many(self, make: object, least: int, most: int, *arguments: int) -> str:
        count = self.random.randint(least, most)
        return "".join(make(*arguments) for _ in range(count))  # type: ignore[operator]

    def text(self) -> str:
        return self.many(lambda: self.pick(ALPHABET), 0, 12)

    def item(self, depth: int) -> str:
        first, last = sorted((self.pick(ALPHABET), self.pick(ALPHABET)))
        nested = self.set(depth + 1) if depth < 2 else first
        return self.pick(
            [first] * 4 + [f"{first}-{last}"] * 2 + [self.pick(SETS), nested, "&&", "-", "[", "]"]
        )

    def set(self, depth: int = 0) -> str:
        return f"[{self.pick(['', '', '^'])}{self.many(self.item, 1, 4, depth)}]"

    def atom(self, depth: int) -> str:
        kind = self.random.random()
        if kind < 0.4 or depth > 3:
            return self.pick(ALPHABET)
        if kind < 0.6:
            return self.set()
        if kind < 0.8:
            return self.pick(SETS + ANCHORS)
        return f"({self.pick(GROUPS)}{self.alternatives(depth + 1)})"

    def repeated(self, depth: int) -> str:
        return self.atom(depth) + self.pick(REPETITIONS)

    def alternatives(self, depth: int = 0) -> str:
        first = self.many(self.repeated, 1, 3, depth)
        return self.pick([first, first, f"{first}|{self.many(self.repeated, 0, 3, depth)}"])


def test_the_jvm_finds_the_same_or_the_pattern_is_refused() -> None:
    pytest.importorskip("regex", reason="the package regex is not installed")
    make = Patterns(0)
    cases = [
        (make.set() + "+" if number % 3 == 0 else make.alternatives(), make.text())
        for number in range(2000)
    ]
    read = 0
    for (pattern, text), expected in zip(cases, in_java(cases), strict=True):
        try:
            compiled = compile_java(pattern)
        except MinnerError:
            continue
        read += 1
        assert expected is not None, f"Java refuses {pattern!r}"
        assert here(compiled, text) == expected, (pattern, text)
    assert read > 1000


def test_properties_are_the_jvm_s() -> None:
    pytest.importorskip("regex", reason="the package regex is not installed")
    plane = "".join(chr(c) for c in range(0x10000) if not 0xD800 <= c < 0xE000)
    names = [r"\p{Cn}", *SETS, *BINARY, r"(?i)\p{Lu}", r"(?i)\P{Lower}"]
    unknown, *found = (
        [plane[i] for i in places[::2]] for places in in_java([(n, plane) for n in names])
    )
    known = "".join(sorted(set(plane) - set(unknown)))
    for name, characters in zip(names[1:], found, strict=True):
        ours = set(re.findall(compile_java(name).pattern, known))
        different = ours ^ (set(characters) - set(unknown))
        if name == r"\p{IsAlphabetic}":  # some combining marks became alphabetic in later Unicodes
            different = {c for c in different if unicodedata.category(c) != "Mn"}
        assert not different, name
