"""Plain words cut by the model of a WordPiece tokenizer alone, in a seventh of the time.

What stands before the model (added tokens, normalizer, pre-tokenizer) does nothing to a word of
ASCII letters and digits, but to its case.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

CutPlain = Callable[[Iterable[str]], dict[str, tuple[int, ...]]]
"""From words to the ids of the wordpieces of those that are plain."""


def plain_cutter(tokenizer: Tokenizer) -> CutPlain:
    """What cuts plain words.

    It finds none where the tokenizer may do something else to them: if it is not BERT's, or has an
    added token without punctuation, which could be found inside of them.
    """
    model, normalizer = tokenizer.model, tokenizer.normalizer
    if not isinstance(model, WordPiece) or not isinstance(normalizer, BertNormalizer):
        return _find_none
    added = tokenizer.get_added_tokens_decoder().values()
    if not isinstance(tokenizer.pre_tokenizer, BertPreTokenizer) or not all(
        set(string.punctuation).intersection(token.content) for token in added
    ):
        return _find_none
    whole, parts, lowercase = tokenizer.token_to_id, model.tokenize, normalizer.lowercase
    longest = model.max_input_chars_per_word  # longer ones are unknown, whatever they are

    def cut(words: Iterable[str]) -> dict[str, tuple[int, ...]]:
        plain = [word for word in words if word.isascii() and word.isalnum()]
        forms = [word.lower() for word in plain] if lowercase else plain
        return {
            word: (index,)
            if index is not None and len(form) <= longest
            else tuple([part.id for part in parts(form)])
            for word, form, index in zip(plain, forms, map(whole, forms), strict=True)
        }

    return cut


def _find_none(words: Iterable[str]) -> dict[str, tuple[int, ...]]:
    return {}
