"""Where transformers 5 cuts a text into other pieces than minner does, from the same files.

It rebuilds the tokenizer of a BERT class: from tokenizer.json it takes the vocabulary, and all else
is as BERT had it (transformers 5.24, `models/bert/tokenization_bert.py`). minner follows the file.
Where the two differ there is a warning, and in it what to write into which file so that they agree.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from minner.errors import warn
from minner.weights.casing import Casing, casing_of

_PROBE = (
    "Dr. O'Neil-Wu paid $5,000.00 (5%) to A_B@c.de\u2026\u4e2d\u6587 a+b `x` \ufb01 \u00bd e\u0301"
)
"""Words, marks and symbols at which pre-tokenizers differ."""

_PREFIX, _LONGEST = "##", 100
"""BERT's `continuing_subword_prefix` and `max_input_chars_per_word`."""


def warn_of_casing(path: Path, casing: Casing, why: str, theirs: Casing | None) -> None:
    """Warn where transformers reads another case, other accents or other characters.

    Args:
        path: tokenizer.json or vocab.txt.
        casing: what minner does.
        why: how its `lowercase` was decided.
        theirs: what transformers does, None where it could not load the files.
    """
    difference = theirs and casing.difference(theirs)
    if not theirs or not difference:
        return
    if casing.is_settled_by_lowercase(theirs):
        advice = "pass lowercase=True or lowercase=False to settle it"
    else:
        advice = f'for the same, write "normalizer": {_as_json(theirs)} there'
    warn(
        f"{path}: lowercase={casing.lowercase}, by {why}, but transformers 5 would have "
        f"{difference}; {advice}"
    )


def warn_of_rebuilding(path: Path, tokenizer: Tokenizer, ends: Mapping[str, int]) -> None:
    """Warn where tokenizer.json has what transformers leaves out and what changes the pieces.

    Args:
        path: tokenizer.json or vocab.txt.
        tokenizer: what minner uses, its casing settled.
        ends: the special tokens that BERT puts around a text, and the ids that minner puts there.
    """
    differences = ", ".join(_differences(tokenizer, ends))
    if differences:
        warn(
            f"{path} has {differences}, which minner follows and transformers 5 leaves out for a "
            f'BERT class; for the same pieces in both, write "tokenizer_class": '
            f'"PreTrainedTokenizerFast" into tokenizer_config.json'
        )


def _differences(tokenizer: Tokenizer, ends: Mapping[str, int]) -> Iterator[str]:
    normalizer, pre_tokenizer, model = (
        tokenizer.normalizer,
        tokenizer.pre_tokenizer,
        tokenizer.model,
    )
    if not isinstance(normalizer, BertNormalizer | None):
        by_bert = casing_of(normalizer).normalizer()
        if normalizer.normalize_str(_PROBE) != by_bert.normalize_str(_PROBE):
            yield f"the normalizer {type(normalizer).__name__}"
    if not isinstance(pre_tokenizer, BertPreTokenizer):
        words = BertPreTokenizer().pre_tokenize_str(_PROBE)
        if pre_tokenizer is None or pre_tokenizer.pre_tokenize_str(_PROBE) != words:
            yield f"the pre_tokenizer {pre_tokenizer and type(pre_tokenizer).__name__}"
    if model.continuing_subword_prefix != _PREFIX:
        yield f"the prefix {model.continuing_subword_prefix!r}"
    if model.max_input_chars_per_word != _LONGEST:
        yield f"max_input_chars_per_word {model.max_input_chars_per_word}"
    if any(tokenizer.token_to_id(token) != index for token, index in ends.items()):
        yield "a template with other special tokens"


def _as_json(casing: Casing) -> str:
    return json.dumps(
        {
            "type": "BertNormalizer",
            "clean_text": casing.clean_text,
            "handle_chinese_chars": casing.chinese_chars,
            "strip_accents": casing.strip_accents,
            "lowercase": casing.lowercase,
        }
    )
