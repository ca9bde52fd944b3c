r"""Where the words of a raw text are.

The rule follows the tokens of CoNLL-2003, which taggers are trained on: punctuation stands alone,
but stays inside `AL-AIN`, `O'Brien`, `AT&T`, `3.5`, `U.S.` and `Mr.`; the `'s` of `Reuters's` and
the `n't` of `didn't` are words of their own, and so is the dot of `Bonn.Yours`. A URL stays whole,
and so do an e-mail address, `a_name` and an emoji of several code points. Underscores and invisible
characters around a word are no part of it. Every character that is not white space belongs to
exactly one word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple, overload

import numpy as np

Span = tuple[int, int]
"""Start and end in code points, the end exclusive."""

_LETTER = r"[^\W\d_]"
# The edges of a word. An underscore is inside one, or outside all.
_BEGIN, _END = r"(?<![^\W_])", r"(?![^\W_])"
_CLITIC = rf"['’](?:s|S|ll|re|ve|d|m){_END}"
_REST_OF_NOT = rf"(?<=[nN])['’][tT]{_END}"
_SHORT = "Mr|Mrs|Ms|Dr|Prof|Rev|Gen|Col|Lt|Capt|Sgt|Sen|Rep|Gov|St|Jr|Sr|Inc|Corp|Co|Ltd|Bros|No|vs"
# Letters and digits between white space, which are most words, are one by all rules below: tried
# first, they take half the time.
_PLAIN = r"(?<!\S)[A-Za-z0-9]+(?!\S)"
# What repeats in a word does so a bounded number of times: each takes memory while matching.
_TIMES = "{0,9999}"


class _Characters(NamedTuple):
    """Sets of characters that the pattern of a word tells apart, as they stand in brackets."""

    marks: str
    invisible: str
    upper: str
    lower: str

    @property
    def capitalised(self) -> str:
        """A word with a capital letter, of the alphabets that have some: but for web addresses."""
        return rf"(?!(?:Com|Net|Org){_END})[{self.upper}][{self.lower}]"

    @property
    def full_stop(self) -> str:
        """The dot of `Bonn.Yours` and `3.Oslo`, not that of `J.Smith` or `Ann.Smith@x.org`."""
        before, after = r"(?:(?<=\w\w)|(?<=\d))", r"(?![\w.+-]{0,63}@)"
        return rf"{before}\.(?={self.capitalised}){after}"

    @property
    def gap(self) -> str:
        """White space between words."""
        return rf"[{self.invisible}]*\s+[{self.invisible}]*"

    @property
    def emoji_tail(self) -> str:
        """How an emoji goes on: with a selector, a skin colour, or a joiner and another emoji."""
        return rf"(?:\u200d[^\w\s]|[{self.marks}\U0001f3fb-\U0001f3ff])"

    @property
    def run(self) -> str:
        """A run of the characters of a word: of one set, it takes no memory however long it is."""
        return rf"[\w{self.marks}{self.invisible}]+"


_ALL = _Characters(
    # Vowel signs, combining accents and selectors: part of a word, though not in Python's \w.
    # Some ranges take a whole block; what little punctuation of its own it has comes along.
    marks="\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711-\u0963\u0981-\u0fff\u102b-\u109d"
    "\u135d-\u135f\u1712-\u17d3\u180b-\u180f\u1a17-\u1dff\u20d0-\u20f0\u302a-\u302f"
    "\u3099\u309a\ua66f-\uaaf6\uabe3-\uabed\ufe00-\ufe0f\ufe20-\ufe2f\U000e0020-\U000e01ef",
    # Format characters that show nothing: joiners, direction marks, the byte order mark.
    invisible="\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb",
    upper="A-ZÀ-ÖØ-Þ\u0100-\u024fΆ-ΫЀ-Я",
    lower="a-zß-öø-ÿ\u0100-\u024fά-ώа-џ",
)

_OF_ASCII = _Characters(marks="\u0300", invisible="\u00ad", upper="A-Z", lower="a-z")
"""The same as far as a text of ASCII goes: a set of which it has none is one character. The pattern
is compiled in a third of the time, when a process reads its first text."""

# BERT reads each Chinese character as a word; so do we.
_CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
_RUN_BESIDE_CJK = rf"(?:[^\W{_CJK}]|[{_ALL.marks}{_ALL.invisible}]){{1,9999}}"


@cache
def _word_pattern(sets: _Characters, characters: str) -> re.Pattern[str]:
    """The pattern of one word, given one for a run of the characters that words are made of."""
    return re.compile(
        rf"""
          {_PLAIN}                                            # most words of most texts
        | [{sets.invisible}]+
        | {_BEGIN}(?:https?://|www\.)[^\s<>"]*[\w/]           # up to what ends the sentence
        | {_BEGIN}__[a-z0-9]+(?:_[a-z0-9]+){_TIMES}__(?!\w)   # __init__
        | _+                                                  # what is left of _Oslo_
        | {_BEGIN}(?:{_LETTER}\.){{2,9999}}(?:{_LETTER}{_END})?   # U.S.  e.g.  U.S.A
          (?: -{characters} ){_TIMES}                         # U.S.-led
        | {_BEGIN}{_LETTER}\.(?={sets.gap}\w)                 # J. Smith
        | {_BEGIN}(?:{_SHORT})\.(?={sets.gap}\S|{sets.capitalised})   # Mr. Smith, St.Louis
        | {_CLITIC}                                           # the 's of Reuters's
        | [nN]{_REST_OF_NOT}                                  # the n't of didn't
        | (?: {characters}                                    # letters, digits, and joined parts:
              (?: (?: [-&]
                    | (?!{sets.full_stop})\.
                    | (?!{_CLITIC}|{_REST_OF_NOT})['’]
                    | (?<=\d)[,:/](?=\d)
                  ) {characters}
                | @ {characters} (?: [-.] {characters} ){_TIMES}  # joe@Example.Org
              ){_TIMES}
              (?<![{sets.invisible}_]) (?!{_REST_OF_NOT})
          )
        | [\U0001f1e6-\U0001f1ff]{{2}}                        # a flag
        | ([^\w\s])\1+ (?!{sets.emoji_tail})                  # ...  --  !!!
        | \S{sets.emoji_tail}{_TIMES}                         # any other mark, and CJK, one by one
        """,
        re.VERBOSE,
    )


# What only a word after white space decides: see `J. Smith` and `Mr. Smith` in `_word_pattern`.
_OPEN_END = rf"{_BEGIN}(?:{_LETTER}|{_SHORT})\.[{_ALL.invisible}]*\Z"
_AHEAD = rf"(?s)[{_ALL.invisible}]*.?"

LONG_TEXT = 1 << 20
"""Code points of a text from which on its spans are packed."""


def split_words(text: str) -> list[Span]:
    """The spans of all words of a text, in order."""
    return [match.span() for match in _matches(text)]


def word_spans(text: str) -> Sequence[Span]:
    """As `split_words`; of a long text in 8 bytes a word, where a list of pairs takes 130."""
    return packed_if_long((match.span() for match in _matches(text)), text)


def packed_if_long(spans: Iterable[Span], text: str) -> Sequence[Span]:
    """Spans of a text: in a list, or packed if the text is long."""
    return [*spans] if len(text) < LONG_TEXT else PackedSpans(spans)


def split_field(key: str) -> list[Span] | None:
    """The spans of all words of a field, which is what stands between white space.

    Args:
        key: the field; or the field, a space, and what `ahead_of` says of the next.

    Returns:
        None where it takes the next field to tell.
    """
    field, space, _ = key.partition(" ")
    if not space and "." in key and re.search(_OPEN_END, key):
        return None
    return [span for span in split_words(key) if span[1] <= len(field)]


def one_word(key: str) -> list[Span]:
    """The span of a key that is one word, whatever it holds."""
    return [(0, len(key))]


def ahead_of(field: str) -> str:
    """As much of a field as may decide where the last word of the field before it ends."""
    found = re.match(_AHEAD, field)
    return found[0] if found else ""


class PackedSpans(Sequence[Span]):
    """Spans in an array; only those that are looked at become pairs."""

    def __init__(self, spans: Iterable[Span]) -> None:
        """Pack the start and the end of each span, one after the other."""
        places = np.fromiter(chain.from_iterable(spans), dtype=np.int32)
        self._places = places.reshape(-1, 2)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> Span: ...
    @overload
    def __getitem__(self, place: slice) -> list[Span]: ...

    def __getitem__(self, place: int | slice) -> Span | list[Span]:
        if isinstance(place, slice):
            return [(start, end) for start, end in self._places[place].tolist()]
        start, end = self._places[place].tolist()
        return start, end


def _matches(text: str) -> Iterator[re.Match[str]]:
    if text.isascii():
        return _word_pattern(_OF_ASCII, _OF_ASCII.run).finditer(text)
    mixed = re.search(f"[{_CJK}]", text) is not None
    return _word_pattern(_ALL, _RUN_BESIDE_CJK if mixed else _ALL.run).finditer(text)
