"""Small tokenizers of RoBERTa, XLM-R and CamemBERT, in the form in which transformers saves them.

The wordpieces come from the prose of this project's documentation and a few words in other scripts.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE, Unigram
from tokenizers.trainers import BpeTrainer

from checkpoints import write_json

TEXT = Path(__file__).parents[1] / "docs" / "conventions.md"
OTHERS = (
    "São Paulo, München, Łódź, Αθήνα, Москва, 東京 中文 서울, naïve café 😀 \u0301 \u00bd \ufb01"
)

SPECIAL = {
    "cls_token": "<s>",
    "pad_token": "<pad>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
_FIRST = ["<s>", "<pad>", "</s>", "<unk>"]

CLASSES = {
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer",
}
"""model_type -> its tokenizer."""


def _trained(pre_tokenizer: Any, alphabet: list[str], size: int) -> dict[str, Any]:
    """The model of a BPE tokenizer, as tokenizer.json has it."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    trainer = BpeTrainer(
        vocab_size=size, special_tokens=_FIRST, initial_alphabet=alphabet, show_progress=False
    )
    lines = [*TEXT.read_text(encoding="utf-8").splitlines(), *[OTHERS] * 9]
    tokenizer.train_from_iterator(lines, trainer)
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    return model


@cache
def byte_level() -> dict[str, Any]:
    """A byte-level BPE model of 900 wordpieces."""
    return _trained(
        pre_tokenizers.ByteLevel(add_prefix_space=True), pre_tokenizers.ByteLevel.alphabet(), 900
    )


@cache
def unigram() -> list[tuple[str, float]]:
    """Wordpieces and their scores: those of BPE, the commoner the sooner they were merged.

    The scores are fractions of a power of two: their sums are exact, and equal ones stay equal.
    """
    spaced = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    vocabulary = _trained(spaced, [], 700)["vocab"]
    by_id = sorted(vocabulary, key=vocabulary.__getitem__)
    return [
        (wordpiece, 0.0 if wordpiece in _FIRST else -3 - i / 64)
        for i, wordpiece in enumerate(by_id)
    ]


def write_subword_tokenizer(
    directory: Path, family: str, *, prefix_space: bool = True, max_length: int = 512
) -> int:
    """Write tokenizer.json and tokenizer_config.json of a family; return the number of wordpieces.

    Args:
        directory: exists.
        family: a key of CLASSES.
        prefix_space: whether a text gets a space before its first word.
        max_length: `model_max_length`.
    """
    tokenizer = _roberta(prefix_space) if family == "roberta" else _unigram(family)
    tokenizer.save(str(directory / "tokenizer.json"))
    settings = {
        "tokenizer_class": CLASSES[family],
        "add_prefix_space": prefix_space,
        "model_max_length": max_length,
        **SPECIAL,
    }
    if family == "camembert":
        settings["additional_special_tokens"] = ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"]
    write_json(directory / "tokenizer_config.json", settings)
    return int(tokenizer.get_vocab_size())


def write_merges(directory: Path, *, prefix_space: bool = True) -> None:
    """Write vocab.json and merges.txt in place of a RoBERTa's tokenizer.json."""
    (directory / "tokenizer.json").unlink(missing_ok=True)
    model = byte_level()
    write_json(directory / "vocab.json", {**model["vocab"], "<mask>": len(model["vocab"])})
    lines = ["#version: 0.2", *(" ".join(pair) for pair in model["merges"]), ""]
    (directory / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    settings = {"tokenizer_class": CLASSES["roberta"], "add_prefix_space": prefix_space}
    write_json(directory / "tokenizer_config.json", settings | {"model_max_length": 512})


def _roberta(prefix_space: bool) -> Tokenizer:
    model = byte_level()
    merges = [(first, second) for first, second in model["merges"]]
    tokenizer = Tokenizer(BPE(model["vocab"], merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    _add(tokenizer, [*_FIRST, "<mask>"])
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=prefix_space
    )
    return tokenizer


def _unigram(family: str) -> Tokenizer:
    wordpieces = unigram()
    if family == "camembert":
        first = [("<s>NOTUSED", 0.0), ("<pad>", 0.0), ("</s>NOTUSED", 0.0), ("<unk>", 0.0)]
        wordpieces = [
            *first,
            ("<unk>NOTUSED", -100.0),
            ("<s>", 0.0),
            ("</s>", 0.0),
            *wordpieces[4:],
        ]
    tokenizer = Tokenizer(Unigram(wordpieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.decoder = decoders.Metaspace()
    extra = ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"] if family == "camembert" else []
    _add(tokenizer, [*_FIRST, *extra])
    tokenizer.add_special_tokens(
        [AddedToken("<mask>", lstrip=True, normalized=False, special=True)]
    )
    ids = [(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ids
    )
    return tokenizer


def _add(tokenizer: Tokenizer, tokens: list[str]) -> None:
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token in tokens]
    )
