"""Plain words cut by the model of a WordPiece tokenizer alone, in a fraction of the time.

What stands before the model does little to a word of printable ASCII: it may change the case, and
puts every mark of punctuation by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from minner.weights.kept_wordpieces import PART, refused_marks

CutPlain = Callable[[Iterable[str]], dict[str, tuple[int, ...]]]
"""From words to the ids of the wordpieces of those that are plain."""


def cuts_as_bert(tokenizer: Tokenizer) -> bool:
    """Whether BERT's rules say how it cuts a word of printable ASCII, but for added tokens."""
    return (
        isinstance(tokenizer.model, WordPiece)
        and isinstance(tokenizer.normalizer, BertNormalizer)
        and isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
    )


def plain_cutter(tokenizer: Tokenizer) -> CutPlain:
    """What cuts plain words: of printable ASCII, without what added tokens could be found by.

    It finds none where the tokenizer may do something else to them: if it is not BERT's, or has an
    added token without punctuation, which could be found inside of any word.
    """
    if not cuts_as_bert(tokenizer):
        return _find_none
    added = tokenizer.get_added_tokens_decoder().values()
    refused = refused_marks(token.content for token in added)
    if refused is None:
        return _find_none
    allowed = set(map(chr, range(33, 127))) - refused
    is_plain = re.compile(f"[{re.escape(''.join(sorted(allowed)))}]+").fullmatch
    tokenize, lowercase = tokenizer.model.tokenize, tokenizer.normalizer.lowercase

    def cut(words: Iterable[str]) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for word in filter(is_plain, words):
            form = word.lower() if lowercase else word
            parts = (form,) if form.isalnum() else PART.findall(form)
            found[word] = tuple([piece.id for part in parts for piece in tokenize(part)])
        return found

    return cut


def _find_none(words: Iterable[str]) -> dict[str, tuple[int, ...]]:
    return {}
