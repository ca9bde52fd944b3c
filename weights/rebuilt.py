"""Where transformers 5 cuts a text into other wordpieces than minner does, from the same files.

It rebuilds the tokenizer of a BERT class: from tokenizer.json it takes the vocabulary, and all else
is as BERT had it (transformers 5.24, `models/bert/tokenization_bert.py`). It does the same for
RoBERTa, XLM-R and CamemBERT, of whose normalizer it keeps a table of characters. minner follows
the file.
Where the two differ there is a warning, and in it what to write into which file so that they agree.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.normalizers import BertNormalizer, Normalizer, Precompiled
from tokenizers.pre_tokenizers import (
    BertPreTokenizer,
    ByteLevel,
    Metaspace,
    PreTokenizer,
    Sequence,
    WhitespaceSplit,
)

from minner.weights.casing import Casing, casing_of
from minner.weights.config import Config
from minner.weights.tokenizer_settings import TokenizerSettings

_PROBE = (
    "Dr. O'Neil-Wu paid $5,000.00 (5%) to A_B@c.de\u2026\u4e2d\u6587 a+b `x` \ufb01 \u00bd e\u0301"
)
"""Words, marks and symbols at which pre-tokenizers differ."""

_PREFIX, _LONGEST = "##", 100
"""BERT's `continuing_subword_prefix` and `max_input_chars_per_word`."""

_CLASSES = {
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer",
}
"""model_type -> its tokenizer, where no file names another."""


def casing_remark(path: Path, casing: Casing, why: str, theirs: Casing | None) -> str | None:
    """Return a warning where transformers reads another case, other accents or other characters.

    Args:
        path: tokenizer.json or vocab.txt.
        casing: what minner does.
        why: how its `lowercase` was decided.
        theirs: what transformers does, None where it could not load the files.
    """
    difference = theirs and casing.difference(theirs)
    if not theirs or not difference:
        return None
    if casing.is_settled_by_lowercase(theirs):
        advice = "pass lowercase=True or lowercase=False to settle it"
    else:
        advice = f'for the same, write "normalizer": {_as_json(theirs)} there'
    return (
        f"{path}: lowercase={casing.lowercase}, by {why}, but transformers 5 would have "
        f"{difference}; {advice}"
    )


def rebuilding_remark(path: Path, tokenizer: Tokenizer, ends: Mapping[str, int]) -> str | None:
    """Return a warning where transformers leaves out what changes the wordpieces.

    Args:
        path: tokenizer.json or vocab.txt.
        tokenizer: what minner uses, its casing settled.
        ends: the special tokens that BERT puts around a text, and the ids that minner puts there.
    """
    differences = ", ".join(_differences(tokenizer, ends))
    if not differences:
        return None
    return (
        f"{path} has {differences}, which minner follows and transformers 5 leaves out for a "
        f'BERT class; for the same wordpieces in both, write "tokenizer_class": '
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


def other_words_remark(
    path: Path, tokenizer: Tokenizer, settings: TokenizerSettings, config: Config
) -> str | None:
    """Return a warning where transformers cuts a text for BPE or Unigram into other words.

    Args:
        path: tokenizer.json or vocab.json.
        tokenizer: what minner uses.
        settings: what tokenizer_config.json states.
        config: of the same checkpoint.
    """
    usual = _CLASSES.get(config.model_type, "")
    named = (settings.tokenizer_class or config.tokenizer_class or usual).removesuffix("Fast")
    normalizer: Normalizer | None = None
    pre_tokenizer: PreTokenizer
    if named == "RobertaTokenizer":
        pre_tokenizer = ByteLevel(add_prefix_space=settings.prefix_space is True)
    elif named in _CLASSES.values():
        scheme = "never" if settings.prefix_space is False else "always"
        pre_tokenizer = Sequence([WhitespaceSplit(), Metaspace(prepend_scheme=scheme)])
        normalizer = _table(tokenizer.normalizer)
    else:
        return None
    ours = _words(tokenizer.normalizer, tokenizer.pre_tokenizer)
    theirs = _words(normalizer, pre_tokenizer)
    if ours == theirs:
        return None
    at = next(i for i, word in enumerate([*ours, None]) if [*theirs, None][i] != word)
    return (
        f"{path}: minner follows the file and cuts {_PROBE!r} into words, of which the first "
        f"{at} are those of transformers 5, but then comes {ours[at : at + 1]} in place of "
        f"{theirs[at : at + 1]}, because it rebuilds a {named}; for the same in both, write "
        f'"tokenizer_class": "PreTrainedTokenizerFast" into tokenizer_config.json'
    )


def _words(normalizer: Normalizer | None, pre_tokenizer: PreTokenizer | None) -> list[str]:
    text = _PROBE if normalizer is None else normalizer.normalize_str(_PROBE)
    if pre_tokenizer is None:
        return [text]
    return [word for word, _ in pre_tokenizer.pre_tokenize_str(text)]


def _table(normalizer: Normalizer | None) -> Normalizer | None:
    """The table of characters in a normalizer, None where it has none."""
    if normalizer is None or isinstance(normalizer, Precompiled):
        return normalizer
    state: dict[str, Any] = json.loads(normalizer.__getstate__())
    for part in state.get("normalizers", []):
        if part["type"] == "Precompiled":
            return Precompiled(base64.b64decode(part["precompiled_charsmap"]))
    return None


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
