"""How long tokenizer.json may make a text, and how long it may brood over a word.

Three normalizers in a row that put 99 letters in the place of each one make 5 MB of "Smith". A real
file makes little of a text: a prefix of one character, a few more for a ligature.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer

from minner.errors import MinnerError

_MOST = 1000
"""Characters that normalizers may make of one."""

_LONGEST_WORD = 10_000
"""Most `max_input_chars_per_word`: WordPiece looks up as many parts of a word as it has characters,
squared. BERT has 100."""

_LONGEST_PREFIX = 100
"""Characters of `continuing_subword_prefix`, which each of these look-ups copies."""


def refuse_growth(path: Path, tokenizer: Tokenizer) -> None:
    """Refuse a tokenizer of words for which a short text could take any memory or time.

    Raises:
        MinnerError: a part of it is beyond the limits above.
    """
    model, normalizer = tokenizer.model, tokenizer.normalizer
    # BERT's own is not asked: it changes single characters, and this would cost time.
    others = not isinstance(normalizer, BertNormalizer | None)
    if others and _growth(json.loads(normalizer.__getstate__())) > _MOST:
        raise MinnerError(f"{path}: its normalizer could make a text {_MOST} times as long")
    if isinstance(model, WordPiece) and model.max_input_chars_per_word > _LONGEST_WORD:
        raise MinnerError(
            f"{path}: max_input_chars_per_word is {model.max_input_chars_per_word}, and minner "
            f"takes up to {_LONGEST_WORD}; BERT has 100"
        )
    prefix = getattr(model, "continuing_subword_prefix", None) or ""  # Unigram has none
    if len(prefix) > _LONGEST_PREFIX:
        raise MinnerError(f"{path}: continuing_subword_prefix is longer than {_LONGEST_PREFIX}")


def _growth(state: dict[str, Any]) -> int:
    """The most characters that a normalizer makes of one, but for what Unicode's forms do.

    A pattern may match between any two characters, so that what it puts there is added.
    """
    factor = 1 + len(state.get("content", "")) + len(state.get("prepend", ""))
    for part in state.get("normalizers", ()):
        factor *= _growth(part)
    return factor
