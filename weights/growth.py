"""How long tokenizer.json may make a text, and how long it may brood over a word.

Three normalizers in a row that put 99 letters in the place of each one make 5 MB of "Smith". A real
file makes little of a text: a prefix of one character, a few more for a ligature.
"""

from __future__ import annotations

import json
import re
from math import prod
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from minner.errors import MinnerError

_MOST = 16
"""Characters that normalizer and pre-tokenizer may make of one; real files reach 4.

Where all are cut apart, each takes up to 1.5 kB while the tokenizer is at work.
"""

_CONSUMING = re.compile(r"(\\[a-zA-Z]|\[[^\[\]\\]+\]|[\w ])(\+|\{[1-9],?\})?")
"""Patterns of one or more characters of a kind, as real files have: they match nothing empty."""

_LONGEST_WORD = 1000
"""Most `max_input_chars_per_word`: WordPiece takes time by its cube, 40 ms for a word of 1,000
letters and 1.2 s for one of 4,000. BERT has 100."""

_LONGEST_PREFIX = 100
"""Characters of `continuing_subword_prefix`, which each of these look-ups copies."""


def refuse_growth(path: Path, tokenizer: Tokenizer) -> None:
    """Refuse a tokenizer of words for which a short text could take any memory or time.

    Raises:
        MinnerError: a part of it is beyond the limits above.
    """
    model, factor = tokenizer.model, 1
    for part in (tokenizer.normalizer, tokenizer.pre_tokenizer):
        # BERT's own are not asked: they change single characters, and this would cost time.
        if not isinstance(part, BertNormalizer | BertPreTokenizer | None):
            factor *= _growth(json.loads(part.__getstate__()))
    if factor > _MOST:
        raise MinnerError(
            f"{path}: its normalizer and pre_tokenizer could make a text more than {_MOST} times "
            f"as long"
        )
    if isinstance(model, WordPiece) and model.max_input_chars_per_word > _LONGEST_WORD:
        raise MinnerError(
            f"{path}: max_input_chars_per_word is {model.max_input_chars_per_word}, and minner "
            f"takes up to {_LONGEST_WORD}; BERT has 100"
        )
    prefix = getattr(model, "continuing_subword_prefix", None) or ""  # Unigram has none
    if len(prefix) > _LONGEST_PREFIX:
        raise MinnerError(f"{path}: continuing_subword_prefix is longer than {_LONGEST_PREFIX}")


def _growth(state: dict[str, Any]) -> int:
    """The most characters that a part makes of one, but for what Unicode's forms do.

    A pattern may match between any two characters, so that what it puts there is added, if it is
    not one that takes characters away. A character is up to four bytes, and each may become one.
    """
    parts = (*state.get("normalizers", ()), *state.get("pretokenizers", ()))
    if parts:
        return prod(map(_growth, parts))
    if state["type"] == "ByteLevel":
        return 4
    content, pattern = state.get("content", ""), state.get("pattern", {})
    if old := pattern.get("String"):
        return max(1, -(-len(content) // len(old)))
    if _CONSUMING.fullmatch(pattern.get("Regex", "")):
        return max(1, len(content))
    added: int = len(content) + len(state.get("prepend", "")) + (state["type"] == "Metaspace")
    return 1 + added
