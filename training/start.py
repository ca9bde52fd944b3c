"""What a run starts from: the uncased base with a new cased vocabulary, or a stored model."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import vocabulary
from convert import convert, distil_config
from data import LABELS, read_columns
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import DistilBertConfig


@dataclass
class Start:
    """A network before the run: its wordpieces, their rows, its other tensors, its tokenizer."""

    config: DistilBertConfig
    wordpieces: list[vocabulary.Wordpiece]
    rows: Tensor
    tensors: dict[str, Tensor]
    tokenizer: Tokenizer


def text_lines(columns: list[Path], plain: list[Path]) -> list[str]:
    """Return lines of text to count wordpieces in."""
    lines = []
    for path in columns:
        for document in read_columns(path):
            lines += [" ".join(sentence.words) for sentence in document]
    for path in plain:
        text = path.read_text(encoding="utf-8")
        lines += [line for line in text.split("\n") if not line.startswith("<")]
    return lines


def from_base(args: argparse.Namespace) -> Start:
    """Expand the uncased vocabulary, keep the most useful forms, convert the encoder."""
    wordpieces = vocabulary.expand(vocabulary.read_vocabulary(args.base / "vocab.txt"))
    counts = vocabulary.count_wordpieces(wordpieces, text_lines(args.count, args.count_plain))
    scores = vocabulary.usefulness(wordpieces, vocabulary.read_vocabulary(args.cased), counts)
    wordpieces = vocabulary.prune(wordpieces, scores, args.rows)
    bert = json.loads((args.base / "config.json").read_text(encoding="utf-8"))
    config = distil_config(bert, vocab_size=len(wordpieces), num_labels=len(LABELS))
    encoder = convert(load_file(args.base / "model.safetensors"))
    rows = encoder.pop("embeddings.word_embeddings.weight")[
        [wordpiece.base for wordpiece in wordpieces]
    ]
    tensors = {f"distilbert.{name}": tensor for name, tensor in encoder.items()}
    tokenizer = vocabulary.build_tokenizer(wordpiece.text for wordpiece in wordpieces)
    return Start(config, wordpieces, rows, tensors, tokenizer)


def from_stored(folder: Path) -> Start:
    """Read a stored model, to train it further with its own vocabulary."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    by_row = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    wordpieces = [
        vocabulary.Wordpiece(text, row, vocabulary.case_of(text)) for row, text in enumerate(by_row)
    ]
    tensors = {name: t.float() for name, t in load_file(folder / "model.safetensors").items()}
    rows = tensors.pop("distilbert.embeddings.word_embeddings.weight")
    return Start(DistilBertConfig.from_pretrained(folder), wordpieces, rows, tensors, tokenizer)
