"""From a token to byte-level BPE wordpieces, as Spark NLP's RoBERTa annotators cut it.

A token is split as GPT-2 splits a text, and only the first part becomes wordpieces: `AL` of `AL-
AIN`, as with WordPiece. The part is merged as if no space stood before it, and only then its first
wordpiece is looked up with the sign for a space, unless the token begins the document. (Facts of
Spark NLP's `BpeTokenizer.scala` and `Gpt2Tokenizer.scala`. A special token within a token is not
looked for.)
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from tokenizers.pre_tokenizers import ByteLevel

from minner.sparknlp.wordpieces import Wordpiece
from minner.text.wordpieces import without_surrogates
from minner.weights.tokenizer import Vocabulary

_CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")
_SPACES = " \t\n\v\f\r"
"""White space of Java's regular expressions."""

_BLANK = "".join(map(chr, range(0x21)))
"""What Java's `trim` takes off."""

_SPACE_SIGN = "\u0120"
"""How byte-level BPE writes a space."""


def first_part(token: str) -> str:
    """The part of a token that Spark NLP feeds to the model: letters, digits or other marks.

    Args:
        token: not empty.
    """
    for contraction in _CONTRACTIONS:
        if token.startswith(contraction):
            return contraction
    start = int(token[0] == " " and len(token) > 1 and token[1] not in _SPACES)
    kind = _kind(token[start])
    end = start
    while end < len(token) and _kind(token[end]) == kind:
        end += 1
    if kind == "space" and end < len(token) and end > 1:
        end -= 1  # the last space belongs to what follows it
    return token[:end]


def _kind(character: str) -> str:
    if character in _SPACES:
        return "space"
    category = unicodedata.category(character)[0]
    return category if category in "LN" else "other"


class BytePairEncoder:
    """Cuts tokens into the wordpieces of one vocabulary. Safe to call from several threads."""

    def __init__(self, vocabulary: Vocabulary, *, case_sensitive: bool) -> None:
        """Read the vocabulary.

        Args:
            vocabulary: of the model; its normaliser and added tokens play no part here.
            case_sensitive: whether tokens keep their case.
        """
        self._model = vocabulary.tokenizer.model
        self._unknown = 0 if vocabulary.unk_id is None else vocabulary.unk_id
        self._bytes = ByteLevel(add_prefix_space=False, use_regex=False)
        self._case_sensitive = case_sensitive

    def encode(self, token: str, begin: int) -> Iterator[Wordpiece]:
        """The wordpieces of a token's first part.

        Args:
            token: the token.
            begin: where it begins in the document, in UTF-16 units.
        """
        if token in ("", " "):
            return
        text = without_surrogates(token if self._case_sensitive else token.lower())
        if not text.strip(_BLANK):
            yield Wordpiece(self._unknown, -begin)  # an empty token, which begins at 0
            return
        offset = 0
        [(signs, _)] = self._bytes.pre_tokenize_str(first_part(text))
        for wordpiece in self._model.tokenize(signs):
            prefix = (
                _SPACE_SIGN if offset == 0 and begin and _SPACE_SIGN not in wordpiece.value else ""
            )
            index = self._model.token_to_id(prefix + wordpiece.value)
            yield Wordpiece(self._unknown if index is None else index, offset)
            offset += len(wordpiece.value)  # in bytes, as there
