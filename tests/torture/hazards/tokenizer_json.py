"""tokenizer.json of a checkpoint, changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from checkpoint_files import Model, check_file, write_model
from mutations import mutate_json

PROVOKED = (
    "ids, template, normalizer, pre-tokenizer and all else changed, or exchanged for the library's "
    "other ones; then loaded, and three texts tagged"
)
QUICK, LONG = 300, 60_000

PATTERNS = ("", "a", "(", "(a*)*b", "(?:a+)+$", r"\s+", ".", "^", "(?=a)", r"\p{L}+", "[^a]", "\\")

NORMALIZERS: tuple[dict[str, Any], ...] = (
    *({"type": name} for name in ("NFC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")),
    {"type": "Strip", "strip_left": True, "strip_right": True},
    {"type": "Prepend", "prepend": "\u2581"},
    {"type": "Precompiled", "precompiled_charsmap": "AAAA"},
    {"type": "Precompiled", "precompiled_charsmap": ""},
    {"type": "Replace", "pattern": {"Regex": "P"}, "content": "C"},
    {"type": "Replace", "pattern": {"String": "P"}, "content": "C"},
    {"type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": False}
    | {"strip_accents": True, "lowercase": True},
)

PRE_TOKENIZERS: tuple[dict[str, Any], ...] = (
    *({"type": name} for name in ("Whitespace", "WhitespaceSplit", "BertPreTokenizer")),
    {"type": "CharDelimiterSplit", "delimiter": "a"},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    {"type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": True},
    {"type": "Digits", "individual_digits": True},
    {"type": "Punctuation", "behavior": "Removed"},
    {"type": "Split", "pattern": {"Regex": "P"}, "behavior": "Isolated", "invert": True},
    {"type": "Split", "pattern": {"Regex": "P"}, "behavior": "MergedWithNext", "invert": False},
)

CLS, SEP, A, B = ({"SpecialToken": {"id": t, "type_id": 0}} for t in ("[CLS]", "[SEP]", "A", "B"))
TEXT = {"Sequence": {"id": "A", "type_id": 0}}

TEMPLATES = (
    *([CLS, TEXT, TEXT, SEP], [TEXT], [CLS, SEP, TEXT], [CLS, TEXT, SEP, SEP], [CLS, TEXT, A]),
    *([], [CLS, {"Sequence": {"id": "B", "type_id": 0}}, SEP], [CLS, TEXT, SEP, TEXT]),
    [B, TEXT, B],
)

FLAGS = ("lstrip", "rstrip", "single_word", "normalized", "special")

IDS = (-1, 0, 180, 181, 1 << 31, (1 << 31) + 5, (1 << 32) - 1, 1 << 32)

prepare = write_model


def seeds(model: Model) -> Sequence[bytes]:
    """The file as it was."""
    return [model.files["tokenizer.json"]]


def mutate(random: Random, data: bytes) -> bytes:
    """Exchange a part for one that the library knows, or change anything."""
    try:
        keys = json.loads(data)
        if random.random() < 0.6:
            _exchange(random, keys)
            return json.dumps(keys).encode()
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        pass  # changed before, to what has no such parts
    return mutate_json(random, data)


def check(model: Model, data: bytes) -> None:
    """Load and tag."""
    check_file(model, "tokenizer.json", data)


def _exchange(random: Random, keys: dict[str, Any]) -> None:
    kind = random.randrange(7)
    if kind == 0:
        keys["normalizer"] = _parts(random, NORMALIZERS, "normalizers")
    elif kind == 1:
        keys["pre_tokenizer"] = _parts(random, PRE_TOKENIZERS, "pretokenizers")
    elif kind == 2:
        keys["post_processor"]["single"] = random.choice(TEMPLATES)
    elif kind == 3:
        token = random.choice(("[CLS]", "[SEP]"))
        count = random.choice((1, 1, 2))
        keys["post_processor"]["special_tokens"][token]["ids"] = random.choices(IDS, k=count)
    elif kind == 4:
        wordpiece = random.choice(("John", "a", "My", "##a", "[UNK]"))
        keys["model"]["vocab"][wordpiece] = random.choice(IDS)
    elif kind == 5:
        keys["model"]["max_input_chars_per_word"] = random.choice((0, 1, 3, 1 << 40))
        keys["model"]["continuing_subword_prefix"] = random.choice(("", "##", "a", "\0"))
    else:
        content = random.choice(("John", " ", "a", "", "\u200b", "[CLS]"))
        flags = {flag: random.random() < 0.5 for flag in FLAGS}
        keys["added_tokens"].append({"id": random.choice(IDS), "content": content, **flags})


def _parts(random: Random, known: Sequence[dict[str, Any]], plural: str) -> dict[str, Any]:
    """One part, or a sequence of them, with patterns that regular expressions stumble over."""
    parts = random.choices(known, k=random.choice((1, 1, 2, 3)))
    filled = json.loads(json.dumps(parts))
    for part in filled:
        for kind in part.get("pattern", ()):
            part["pattern"][kind] = random.choice(PATTERNS)
        if "content" in part:
            part["content"] = random.choice(("", "x", "a" * 99, "\0"))
    return filled[0] if len(filled) == 1 else {"type": "Sequence", plural: filled}
