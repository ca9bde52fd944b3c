"""From a token to wordpieces, as Spark NLP's BERT and DistilBERT annotators cut it.

A token goes through `BasicTokenizer`, which splits at punctuation and Chinese characters and strips
accents, and only the first part is cut into wordpieces: the model never sees the rest of `AL-AIN`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from minner.sparknlp.jvm import utf16_length
from minner.weights.tokenizer import Vocabulary

# Java looks at UTF-16 units, so beyond U+FFFF nothing is punctuation, white space or Chinese.
_PUNCTUATION = "!-/:-@[-`{-~" + "".join(
    chr(code)
    for code in range(0x80, 0x10000)
    if "PUNCTUATION" in unicodedata.name(chr(code), "")  # so not “, – or …
)
_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# White space for Java, to which the no-break spaces U+00A0, U+2007 and U+202F do not belong. U+2008
# does, but has PUNCTUATION in its name.
_SPACE = " \u1680\u2000-\u2006\u2009\u200a\u2028\u2029\u205f\u3000"
_CONTROL = "\x00-\x1f\x7f-\x9f\ufffd"

_SPLITTING = f"{_PUNCTUATION}{_CHINESE}"
_BASIC = re.compile(f"[{_SPLITTING}]|[^{_SPLITTING}{_SPACE}{_CONTROL}]+")
_ACCENTS = re.compile("[\u0300-\u036f]+")

_MAX_UNITS = 200
"""A longer word is one unknown wordpiece (transformers: 100)."""

_CACHED_LENGTH = 32
"""Characters of a token worth remembering; texts repeat short ones."""


class Wordpiece(NamedTuple):
    """A wordpiece: its id, and where it starts in the word, in UTF-16 units."""

    id: int
    offset: int


def first_basic_part(token: str, *, case_sensitive: bool) -> str:
    """The part of a token that Spark NLP feeds to the model; empty where nothing is left.

    Accents (U+0300 to U+036F, after canonical decomposition) are stripped with either setting.
    """
    for match in _BASIC.finditer(token if case_sensitive else token.lower()):
        part = _ACCENTS.sub("", unicodedata.normalize("NFD", match[0]))
        if part:
            return part if case_sensitive else part.lower()
    return ""


class WordpieceEncoder:
    """Cuts tokens into the wordpieces of one vocabulary. Safe to call from several threads."""

    def __init__(self, vocabulary: Vocabulary, *, case_sensitive: bool) -> None:
        """Read the vocabulary.

        Args:
            vocabulary: of the model; its normaliser and added tokens play no part here.
            case_sensitive: whether tokens keep their case.
        """
        model = vocabulary.tokenizer.model
        self._ids = vocabulary.tokenizer.get_vocab(with_added_tokens=False)
        self._unknown = self._ids[model.unk_token]
        self._prefix = model.continuing_subword_prefix
        self._case_sensitive = case_sensitive
        self._remembered = lru_cache(maxsize=1 << 16)(self._encode)

    def encode(self, token: str, _: int = 0) -> tuple[Wordpiece, ...]:
        """The wordpieces of a token's first part, wherever it begins; none if nothing is left."""
        return (self._encode if len(token) > _CACHED_LENGTH else self._remembered)(token)

    def _encode(self, token: str) -> tuple[Wordpiece, ...]:
        word = first_basic_part(token, case_sensitive=self._case_sensitive)
        unknown = (Wordpiece(self._unknown, 0),)
        if utf16_length(word) > _MAX_UNITS:
            return unknown
        wordpieces = []
        start = 0
        while start < len(word):
            prefix = self._prefix if start else ""
            for end in range(len(word), start, -1):
                index = self._ids.get(prefix + word[start:end])
                if index is not None:
                    break
            else:
                return unknown
            wordpieces.append(Wordpiece(index, utf16_length(word[:start])))
            start = end
        return tuple(wordpieces)
