r"""Where the words of a raw text are.

The rule follows the tokens of CoNLL-2003, which taggers are trained on: punctuation stands alone,
but stays inside `AL-AIN`, `O'Brien`, `AT&T`, `3.5`, `U.S.` and `Mr.`; the `'s` of `Reuters's` is a
word of its own. A URL stays whole, and so does an emoji of several code points. Every character
that is not white space belongs to exactly one word.
"""

from __future__ import annotations

import re

Span = tuple[int, int]
"""Start and end in code points, the end exclusive."""

# BERT reads each Chinese character as a word; so do we.
_CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
# Vowel signs, combining accents, joiners and selectors: part of a word, though not in Python's \w.
# Some ranges take a whole block; what little punctuation of its own it has comes along.
_MARKS = (
    "\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711-\u0963\u0981-\u0fff\u102b-\u109d"
    "\u135d-\u135f\u1712-\u17d3\u180b-\u180f\u1a17-\u1dff\u200b-\u200d\u20d0-\u20f0\u302a-\u302f"
    "\u3099\u309a\ua66f-\uaaf6\uabe3-\uabed\ufe00-\ufe0f\ufe20-\ufe2f\U000e0020-\U000e01ef"
)
_LETTER = r"[^\W\d_]"
_CHARACTER = rf"(?:[^\W{_CJK}]|[{_MARKS}])"
_CLITIC = r"['’](?:s|S|ll|re|ve|d|m)(?!\w)"
_SHORT = "Mr|Mrs|Ms|Dr|Prof|Rev|Gen|Col|Lt|Capt|Sgt|Sen|Rep|Gov|St|Jr|Sr|Inc|Corp|Co|Ltd|Bros|No|vs"
# An emoji goes on with a selector, a skin colour, or a joiner and another emoji.
_EMOJI_TAIL = rf"(?:\u200d[^\w\s]|[{_MARKS}\U0001f3fb-\U0001f3ff])"

_WORD = re.compile(
    rf"""
      (?<!\w)https?://[^\s<>"]*[\w/]                     # up to the mark that ends the sentence
    | (?<!\w)(?:{_LETTER}\.){{2,}}(?:{_LETTER}(?!\w))?   # U.S.  e.g.  U.S.A
      (?: -{_CHARACTER}+ )*                              # U.S.-led
    | (?<!\w){_LETTER}\.(?=\s+\w)                        # J. Smith
    | (?<!\w)(?:{_SHORT})\.(?=\s+\S)                     # Mr. Smith, Apple Inc. said
    | {_CLITIC}                                          # the 's of Reuters's
    | {_CHARACTER}+                                      # letters, digits, and joined parts:
      (?: (?: [-.&@] | (?!{_CLITIC})['’] | (?<=\d)[,:/](?=\d) ) {_CHARACTER}+ )*
    | [\U0001f1e6-\U0001f1ff]{{2}}                       # a flag
    | ([^\w\s])\1+ (?!{_EMOJI_TAIL})                     # ...  --  !!!
    | \S{_EMOJI_TAIL}*                                   # any other mark, and CJK, one by one
    """,
    re.VERBOSE,
)


def split_words(text: str) -> list[Span]:
    """The spans of all words of a text, in order."""
    return [match.span() for match in _WORD.finditer(text)]
