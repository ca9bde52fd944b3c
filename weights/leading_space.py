"""The space before a word, which is a part of the wordpieces of RoBERTa, XLM-R and CamemBERT.

RoBERTa has one wordpiece for `Paris` at the start of a text and another for ` Paris` within it.
Words that are given one by one have no space before them, and were trained with one
(`add_prefix_space`).
"""

import json
from collections.abc import Iterator
from typing import Any

from tokenizers import Tokenizer


def has_leading_space(tokenizer: Tokenizer) -> bool | None:
    """Return whether a text gets a space before its first word; None if no wordpiece has one."""
    state = json.loads(tokenizer.pre_tokenizer.__getstate__()) if tokenizer.pre_tokenizer else {}
    for part in _parts(state):
        if part.get("type") == "ByteLevel":
            return bool(part.get("add_prefix_space"))
        if part.get("type") == "Metaspace":
            return part.get("prepend_scheme") != "never"
    return None


def with_leading_space(tokenizer: Tokenizer, wanted: bool) -> Tokenizer:
    """Return a tokenizer that puts a space before the first word of a text, or puts none there."""
    state = json.loads(tokenizer.to_str())
    for name in ("pre_tokenizer", "post_processor"):
        for part in _parts(state[name] or {}):
            if "add_prefix_space" in part:
                part["add_prefix_space"] = wanted
            if "prepend_scheme" in part:
                part["prepend_scheme"] = "always" if wanted else "never"
    return Tokenizer.from_str(json.dumps(state))


def _parts(state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a pre-tokenizer or a post-processor, which may be a sequence of some."""
    inner = state.get("pretokenizers") or state.get("processors")
    if inner is None:
        yield state
    else:
        for part in inner:
            yield from _parts(part)
