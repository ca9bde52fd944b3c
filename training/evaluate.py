"""Score a stored model on column files, by the rule of the conlleval script."""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import torch
from data import LABELS, Cutter, Sentence, Word, joined, make_sample, read_columns
from text import Text
from tokenizers import Tokenizer
from transformers import AutoModelForTokenClassification


def chunks(tags: list[str]) -> set[tuple[str, int, int]]:
    """Return (type, start, end) of every entity, read as conlleval reads IOB tags."""
    found, start, kind = set(), 0, ""
    for place, tag in enumerate([*tags, "O"]):
        prefix, _, now = tag.partition("-")
        if kind and (prefix != "I" or now != kind):
            found.add((kind, start, place))
            kind = ""
        if now and not kind:
            start, kind = place, now
    return found


def score(gold: list[list[str]], guess: list[list[str]]) -> dict[str, dict[str, float]]:
    """Return precision, recall, F1 (percent) and support, per type and overall."""
    hits: Counter[str] = Counter()
    guessed: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    for right, said in zip(gold, guess, strict=True):
        for counter, entities in (
            (hits, chunks(right) & chunks(said)),
            (guessed, chunks(said)),
            (wanted, chunks(right)),
        ):
            counter.update(kind for kind, _, _ in entities)
            counter["overall"] += len(entities)
    table = {}
    for kind in sorted(wanted, key=lambda kind: (kind == "overall", kind)):
        precision = 100 * hits[kind] / max(1, guessed[kind])
        recall = 100 * hits[kind] / max(1, wanted[kind])
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        table[kind] = {"precision": precision, "recall": recall, "f1": f1, "gold": wanted[kind]}
    return table


def predict(
    model: torch.nn.Module, sentences: list[Sentence], cutter: Cutter, cells: int = 8192
) -> Iterator[tuple[int, list[str]]]:
    """Yield each sentence's number and its tags: all wordpieces are fed, a word's first decides."""
    model.eval()
    samples = [
        make_sample([Word(cutter.cut(word), (), 0) for word in sentence.words], cutter)
        for sentence in sentences
    ]
    text = Text(Text.arrays(samples), str(model.device))
    for rows in text.batches(cells):
        batch = text.batch(rows)
        with torch.inference_mode():
            best = model(batch.ids, attention_mask=batch.mask).logits.argmax(-1)
        for row, labels, first in zip(rows, best.tolist(), batch.first.tolist(), strict=True):
            said = iter([LABELS[k] for k, is_first in zip(labels, first, strict=True) if is_first])
            words = sentences[row].words
            # A word without wordpieces (only a zero-width sign, say) is O; so is what was cut off.
            yield row, [next(said, "O") if cutter.cut(word) else "O" for word in words]


def evaluate(
    model: torch.nn.Module, sentences: list[Sentence], cutter: Cutter, without: str = ""
) -> dict[str, dict[str, float]]:
    """Tag the sentences and score them; guesses of the type ``without`` count as O."""
    guess: list[list[str]] = [[]] * len(sentences)
    for row, tags in predict(model, sentences, cutter):
        guess[row] = ["O" if without and tag.endswith(without) else tag for tag in tags]
    return score([sentence.tags for sentence in sentences], guess)


def table_text(table: dict[str, dict[str, float]]) -> str:
    """Lay a score out as conlleval does."""
    lines = [
        f"{kind:>8}: precision {row['precision']:6.2f}  recall {row['recall']:6.2f}  "
        f"F1 {row['f1']:6.2f}  entities {row['gold']}"
        for kind, row in table.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the scores of a stored model for each file given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument(
        "--joined", type=int, default=0, help="join sentences up to so many wordpieces"
    )
    parser.add_argument("--without", default="", help="a type the file does not mark, like MISC")
    parser.add_argument("--json", type=Path, help="also write the scores here")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    model = AutoModelForTokenClassification.from_pretrained(args.model).to(args.device)
    cutter = Cutter(Tokenizer.from_file(str(args.model / "tokenizer.json")))
    everything = {}
    for path in args.files:
        documents = read_columns(path)
        sentences = [sentence for document in documents for sentence in document]
        if args.joined:
            sentences = joined(documents, cutter, args.joined)
        everything[path.name] = evaluate(model, sentences, cutter, args.without)
        print(f"{path.name}: {len(sentences)} sequences\n{table_text(everything[path.name])}")
    if args.json:
        args.json.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
