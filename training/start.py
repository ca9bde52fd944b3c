"""Make what a run starts from: an uncased base with a cased vocabulary, without a classifier.

The base of the model itself is a BERT; its wordpieces are chosen here. A teacher's base may be a
BERT or an MPNet of any size; it gets the wordpieces that were chosen before (``--wordpieces``), so
that teacher and student read the same text.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
import vocabulary
from convert import convert, distil_config
from data import LABELS, read_columns
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import MPNetConfig, PretrainedConfig

# What MPNet's vocabulary calls BERT's special wordpieces.
MPNET = {"[CLS]": "<s>", "[SEP]": "</s>", "[PAD]": "<pad>", "[MASK]": "<mask>"}
EMBEDDINGS = "embeddings.word_embeddings.weight"


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


def choose_wordpieces(args: argparse.Namespace, uncased: list[str]) -> list[str]:
    """Expand the uncased vocabulary and keep the most useful forms."""
    wordpieces = vocabulary.expand(uncased)
    counts = vocabulary.count_wordpieces(wordpieces, text_lines(args.count, args.count_plain))
    scores = vocabulary.usefulness(wordpieces, vocabulary.read_vocabulary(args.cased), counts)
    return [wordpiece.text for wordpiece in vocabulary.prune(wordpieces, scores, args.rows)]


def base_rows(wordpieces: list[str], uncased: list[str]) -> list[int]:
    """Return the row of the uncased base that each wordpiece starts from."""
    row = {text: number for number, text in enumerate(uncased)}
    names = MPNET if "<s>" in row else {}
    return [row.get(names.get(p, p), row.get(p.lower(), row["[UNK]"])) for p in wordpieces]


def encoder(base: Path) -> tuple[PretrainedConfig, dict[str, torch.Tensor], str]:
    """Read a base: its config, its tensors in the layout that is trained, their prefix."""
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    tensors = load_file(base / "model.safetensors")
    if config["model_type"] == "mpnet":
        no_use = ("pooler.", "embeddings.position_ids")
        kept = {name: t for name, t in tensors.items() if not name.startswith(no_use)}
        return MPNetConfig.from_pretrained(base), kept, "mpnet"
    return distil_config(config), convert(tensors), "distilbert"


def main() -> None:
    """Write the start as a Hugging Face folder, in float16."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path, help="folder of the uncased BERT or MPNet checkpoint")
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--wordpieces", type=Path, help="a tokenizer.json with the wordpieces; else:"
    )
    parser.add_argument("--cased", type=Path, help="vocab.txt of BERT cased")
    parser.add_argument("--count", type=Path, nargs="*", default=[], help="column files")
    parser.add_argument("--count-plain", type=Path, nargs="*", default=[], help="plain text")
    parser.add_argument("--rows", type=int, default=48_000, help="size of the vocabulary")
    args = parser.parse_args()
    if not args.wordpieces and not args.cased:
        parser.error("give --wordpieces, or --cased and files to count in")
    uncased = vocabulary.read_vocabulary(args.base / "vocab.txt")
    if args.wordpieces:
        vocab = Tokenizer.from_file(str(args.wordpieces)).get_vocab()
        wordpieces = sorted(vocab, key=vocab.__getitem__)
    else:
        wordpieces = choose_wordpieces(args, uncased)
    config, tensors, prefix = encoder(args.base)
    tensors[EMBEDDINGS] = tensors[EMBEDDINGS][base_rows(wordpieces, uncased)]
    args.out.mkdir(parents=True, exist_ok=True)
    stored = {f"{prefix}.{name}": tensor.half() for name, tensor in tensors.items()}
    save_file(stored, args.out / "model.safetensors", metadata={"format": "pt"})
    config.update({"vocab_size": len(wordpieces), "num_labels": len(LABELS), "dtype": "float32"})
    config.save_pretrained(args.out)
    vocabulary.save_tokenizer(vocabulary.build_tokenizer(wordpieces), args.out)


if __name__ == "__main__":
    main()
