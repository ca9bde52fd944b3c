"""The JSON files beside a tokenizer -> TokenizerSettings: what they state, and only that.

tokenizer_config.json, special_tokens_map.json and added_tokens.json are all optional. A key that
is missing or null states nothing, and the field is None.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken

from minner.errors import MinnerError
from minner.weights.files import read_json_object, typed_value

_SPECIAL = {
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "mask_token": "[MASK]",
}
"""Role of a special token -> its text in BERT's vocabularies, where no file states another."""

_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


@dataclass(frozen=True, slots=True)
class TokenizerSettings:
    """What the files beside tokenizer.json and vocab.txt state.

    Attributes:
        lowercase: `do_lower_case`.
        strip_accents: `strip_accents`; where nothing states it, accents follow the case.
        chinese_chars: `tokenize_chinese_chars`.
        max_length: `model_max_length` (once `max_len`), special tokens included; may be 1e30.
        tokenizer_class: `tokenizer_class`.
        special: text of the special token of each role: unk_token, cls_token and so on.
        added: tokens added to the vocabulary, by id.
    """

    lowercase: bool | None
    strip_accents: bool | None
    chinese_chars: bool | None
    max_length: float | None
    tokenizer_class: str | None
    special: Mapping[str, str]
    added: Mapping[int, AddedToken]


def read_tokenizer_settings(directory: Path) -> TokenizerSettings:
    """Return what the files in `directory` state; where two do, special_tokens_map.json wins.

    Raises:
        MinnerError: a file is broken or holds a value of the wrong type.
    """
    path = directory / "tokenizer_config.json"
    raw = _read_optional(path)
    stated = raw | _read_optional(directory / "special_tokens_map.json")
    special = {role: _text(path, stated.get(role)) or bert for role, bert in _SPECIAL.items()}
    return TokenizerSettings(
        lowercase=typed_value(path, raw, "do_lower_case", bool),
        strip_accents=typed_value(path, raw, "strip_accents", bool),
        chinese_chars=typed_value(path, raw, "tokenize_chinese_chars", bool),
        max_length=_max_length(path, raw),
        tokenizer_class=typed_value(path, raw, "tokenizer_class", str),
        special=special,
        added=_added_tokens(directory, raw, special.values()),
    )


def _read_optional(path: Path) -> dict[str, Any]:
    return read_json_object(path) if path.exists() else {}


def _max_length(path: Path, raw: Mapping[str, Any]) -> float | None:
    value = raw.get("model_max_length", raw.get("max_len"))
    if value is None:
        return None
    # Three is a special token at either end and a piece between; not a NaN either.
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
    directory: Path, raw: Mapping[str, Any], special: Collection[str]
) -> dict[int, AddedToken]:
    """Return the tokens of added_tokens.json (text -> id) and added_tokens_decoder (id -> token).

    The second is the newer form, and says how a token is to be matched. For the first, it is as in
    transformers: a special token in the text as written, another in the text as normalised.
    """
    added: dict[int, AddedToken] = {}
    older = directory / "added_tokens.json"
    for content, index in _read_optional(older).items():
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
    return AddedToken(content, **{flag: token[flag] is True for flag in _FLAGS if flag in token})


def _token_id(path: Path, index: object) -> int:
    text = str(index)
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise MinnerError(f"{path}: {index!r} is no id of an added token")
    return int(text)
