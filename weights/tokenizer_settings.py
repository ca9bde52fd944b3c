"""The JSON files beside a tokenizer -> TokenizerSettings: what they state, and only that.

tokenizer_config.json, special_tokens_map.json and added_tokens.json are all optional. A key that
is missing or null states nothing, and the field is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from minner.errors import MinnerError
from minner.weights.files import read_json_object, typed_value

if TYPE_CHECKING:
    from tokenizers import AddedToken

_BY_BERT = {
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "mask_token": "[MASK]",
}
"""Role of a special token -> its text in BERT's vocabularies, where no file states another."""

_BY_ROBERTA = {
    "unk_token": "<unk>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}
"""The same in those of RoBERTa, XLM-R and CamemBERT."""

_USUAL = {*_BY_BERT.values(), *_BY_ROBERTA.values()}

_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


class TokenizerSettings(NamedTuple):
    """What the files beside tokenizer.json and vocab.txt state.

    Attributes:
        lowercase: `do_lower_case`.
        strip_accents: `strip_accents`; where nothing states it, accents follow the case.
        chinese_chars: `tokenize_chinese_chars`.
        max_length: `model_max_length` (once `max_len`), special tokens included; may be 1e30.
        tokenizer_class: `tokenizer_class`.
        prefix_space: `add_prefix_space`.
        split_special: `split_special_tokens`: whether special tokens in a text are cut like words.
        special: text of the special token of a role: unk_token, cls_token and so on.
        added: tokens added to the vocabulary, by id.
    """

    lowercase: bool | None
    strip_accents: bool | None
    chinese_chars: bool | None
    max_length: float | None
    tokenizer_class: str | None
    prefix_space: bool | None
    split_special: bool | None
    special: Mapping[str, str]
    added: Mapping[int, AddedToken]

    def special_tokens(self, index_of: Callable[[str], int | None]) -> dict[str, str]:
        """Return the text of the special token of every role.

        Args:
            index_of: id of a wordpiece of the vocabulary, None for what is no wordpiece; decides
                whose names hold where the files state none.
        """
        has_ends = any(index_of(end) is not None for end in ("<s>", "</s>"))
        is_roberta = has_ends and index_of("[CLS]") is None
        return {**(_BY_ROBERTA if is_roberta else _BY_BERT), **self.special}


def read_tokenizer_settings(directory: Path) -> TokenizerSettings:
    """Return what the files in `directory` state; where two do, special_tokens_map.json wins.

    Raises:
        MinnerError: a file is broken or holds a value of the wrong type.
    """
    path = directory / "tokenizer_config.json"
    raw = _read_optional(path)
    stated = raw | _read_optional(directory / "special_tokens_map.json")
    special = {role: text for role in _BY_BERT if (text := _text(path, stated.get(role)))}
    return TokenizerSettings(
        lowercase=typed_value(path, raw, "do_lower_case", bool),
        strip_accents=typed_value(path, raw, "strip_accents", bool),
        chinese_chars=typed_value(path, raw, "tokenize_chinese_chars", bool),
        max_length=_max_length(path, raw),
        tokenizer_class=typed_value(path, raw, "tokenizer_class", str),
        prefix_space=typed_value(path, raw, "add_prefix_space", bool),
        split_special=typed_value(path, raw, "split_special_tokens", bool),
        special=special,
        added=_added_tokens(directory, raw, _USUAL.union(special.values())),
    )


def _read_optional(path: Path) -> dict[str, Any]:
    return read_json_object(path) if path.exists() else {}


def _max_length(path: Path, raw: Mapping[str, Any]) -> float | None:
    value = raw.get("model_max_length", raw.get("max_len"))
    if value is None:
        return None
    # Three is a special token at either end and a wordpiece between; not a NaN either.
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 3:
        raise MinnerError(f"{path}: model_max_length must be a number from 3 up, not {value!r}")
    return value


def _text(path: Path, token: object) -> str | None:
    """Return the text of a token, written as a string or as an object with its `content`."""
    content = token.get("content") if isinstance(token, dict) else token
    if content is not None and not isinstance(content, str):
        raise MinnerError(f"{path} or special_tokens_map.json: {token!r} is no special token")
    return content


def _added_tokens(
    directory: Path, raw: Mapping[str, Any], special: set[str]
) -> dict[int, AddedToken]:
    """Return the tokens of added_tokens.json (text -> id) and added_tokens_decoder (id -> token).

    The second is the newer form, and says how a token is to be matched. For the first, it is as in
    transformers: a special token in the text as written, another in the text as normalised.
    """
    added: dict[int, AddedToken] = {}
    older = directory / "added_tokens.json"
    for content, index in _read_optional(older).items():
        from tokenizers import AddedToken  # here: a quick start does without

        is_special = content in special
        token = AddedToken(content, special=is_special, normalized=not is_special)
        added[_token_id(older, index)] = token
    newer = directory / "tokenizer_config.json"
    decoder = raw.get("added_tokens_decoder") or {}
    if not isinstance(decoder, dict):
        raise MinnerError(f"{newer}: added_tokens_decoder must be an object of tokens by id")
    for index, stated in decoder.items():
        added[_token_id(newer, index)] = _added_token(newer, stated)
    return added


def _added_token(path: Path, token: object) -> AddedToken:
    content = token.get("content") if isinstance(token, dict) else None
    if not isinstance(token, dict) or not isinstance(content, str):
        raise MinnerError(f"{path}: {token!r} in added_tokens_decoder is no added token")
    from tokenizers import AddedToken  # here: as above

    return AddedToken(content, **{flag: token[flag] is True for flag in _FLAGS if flag in token})


def _token_id(path: Path, index: object) -> int:
    text = str(index)
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise MinnerError(f"{path}: {index!r} is no id of an added token")
    return int(text)
