"""Fine-tune the converted model on CoNLL-2003 and store the average of its weights.

Writes after every epoch: ``OUT/stored`` (the checkpoint as it ships), ``OUT/average.safetensors``
(the same in float32, for averaging several runs) and a line of scores to ``OUT/log.txt``.
"""

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import torch
import vocabulary
from convert import convert, distil_config
from data import IGNORED, Augment, Cutter, batches, one_epoch, pad, read_columns
from evaluate import evaluate
from model import Tagger, WordTable, plain_tensors, store
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import AutoModelForTokenClassification


def text_lines(columns: list[Path], plain: list[Path]) -> list[str]:
    """Return lines of text to count pieces in."""
    lines = []
    for path in columns:
        for document in read_columns(path):
            lines += [" ".join(sentence.words) for sentence in document]
    for path in plain:
        text = path.read_text(encoding="utf-8")
        lines += [line for line in text.split("\n") if not line.startswith("<")]
    return lines


def choose_pieces(args: argparse.Namespace) -> list[vocabulary.Piece]:
    """Expand the uncased vocabulary and keep the most useful forms."""
    pieces = vocabulary.expand(vocabulary.read_vocabulary(args.base / "vocab.txt"))
    counts = vocabulary.count_pieces(
        pieces, text_lines([args.train, *args.count], args.count_plain)
    )
    scores = vocabulary.usefulness(pieces, vocabulary.read_vocabulary(args.cased), counts)
    return vocabulary.prune(pieces, scores, args.rows)


def rate(step: int, steps: int, warm_up: float = 0.08) -> float:
    """Return the learning rate's factor: a linear rise, then a linear fall to zero."""
    rising = warm_up * steps
    return step / rising if step < rising else max(0.0, (steps - step) / (steps - rising))


def parameter_groups(tagger: Tagger, args: argparse.Namespace) -> list[dict[str, object]]:
    """The classifier and the case shifts learn faster; only weight matrices decay."""
    fast, matrices, others = [], [], []
    for name, parameter in tagger.named_parameters():
        if not parameter.requires_grad:
            continue
        if "classifier" in name or "table.shift" in name:
            fast.append(parameter)
        elif parameter.dim() == 2 and "embeddings" not in name and "table" not in name:
            matrices.append(parameter)
        else:
            others.append(parameter)
    return [
        {"params": fast, "lr": args.fast_rate, "weight_decay": 0.0},
        {"params": matrices, "lr": args.rate, "weight_decay": 0.01},
        {"params": others, "lr": args.rate, "weight_decay": 0.0},
    ]


class Average:
    """An exponential moving average of the trained parameters."""

    def __init__(self, tagger: Tagger, every: int, decay: float) -> None:
        """Start from the present parameters."""
        self.parameters = [p for p in tagger.parameters() if p.requires_grad]
        self.values = [p.detach().clone() for p in self.parameters]
        self.every, self.decay, self.step = every, decay**every, 0

    def update(self) -> None:
        """Move a little towards the present parameters, every few steps."""
        self.step += 1
        if self.step % self.every == 0:
            decay = min(self.decay, self.step / (self.step + 10 * self.every))
            torch._foreach_lerp_(self.values, [p.detach() for p in self.parameters], 1 - decay)

    def swap(self) -> None:
        """Exchange the average and the present parameters."""
        for value, parameter in zip(self.values, self.parameters, strict=True):
            kept = parameter.detach().clone()
            parameter.data.copy_(value)
            value.copy_(kept)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="folder of the BERT checkpoint")
    parser.add_argument("--cased", type=Path, required=True, help="vocab.txt of BERT cased")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--dev", type=Path, required=True)
    parser.add_argument("--count", type=Path, nargs="*", default=[], help="more column files")
    parser.add_argument("--count-plain", type=Path, nargs="*", default=[], help="plain text files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=48_000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--stop-after", type=int, help="stop early, after so many epochs")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--fast-rate", type=float, default=5e-4)
    parser.add_argument("--cells", type=int, default=800, help="padded pieces in a batch")
    parser.add_argument("--later-weight", type=float, default=0.5, help="of a word's later pieces")
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--attention-dropout", type=float, default=0.1)
    parser.add_argument("--average", type=float, default=0.998, help="decay of the moving average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    """Train, and after every epoch store and score the averaged model."""
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "stored").mkdir(exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)  # the fresh classifier: equal in all runs, so that runs can be averaged
    rng = random.Random(args.seed)

    pieces = choose_pieces(args)
    tokenizer = vocabulary.build_tokenizer(piece.text for piece in pieces)
    vocabulary.save_tokenizer(tokenizer, args.out / "stored")
    cutter = Cutter(tokenizer)
    train, dev = read_columns(args.train), read_columns(args.dev)
    dev_sentences = [sentence for document in dev for sentence in document]
    # All epochs' data are drawn in advance: then the rows that training touches are known.
    epochs = [one_epoch(train, Augment(), cutter, rng) for _ in range(args.epochs)]
    used = np.unique([row for samples in epochs for s in samples for row in s.ids])
    plan = [batches(samples, args.cells, rng) for samples in epochs]
    steps = sum(len(groups) for groups in plan)

    bert_config = json.loads((args.base / "config.json").read_text(encoding="utf-8"))
    encoder = convert(load_file(args.base / "model.safetensors"))
    config = distil_config(
        bert_config,
        vocab_size=len(pieces),
        num_labels=9,
        dropout=args.dropout,
        attention_dropout=args.attention_dropout,
    )
    table = WordTable(encoder["embeddings.word_embeddings.weight"], pieces, used)
    tagger = Tagger(config, encoder, table)
    torch.manual_seed(args.seed)
    optimizer = torch.optim.AdamW(parameter_groups(tagger, args), betas=(0.9, 0.999), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
    average = Average(tagger, every=8, decay=args.average)
    print(f"{len(pieces)} rows, {len(used)} used in training, {steps} steps", flush=True)

    began, step = time.time(), 0
    last = args.stop_after or args.epochs
    for epoch, groups in enumerate(plan[:last], 1):
        tagger.train()
        total = 0.0
        for batch in groups:
            ids, mask, labels, first = (torch.from_numpy(array) for array in pad(batch))
            words = tagger.table(ids).detach().requires_grad_()
            logits = tagger(words, mask)
            weight = torch.where(first, 1.0, args.later_weight) * (labels != IGNORED)
            losses = functional.cross_entropy(
                logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="none"
            )
            loss = (losses * weight.flatten()).sum() / weight.sum()
            loss.backward()
            tagger.table.take_gradient(ids, words.grad)
            torch.nn.utils.clip_grad_norm_(tagger.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            tagger.table.clear_gradient(ids)
            tagger.network.zero_grad()
            average.update()
            total, step = total + loss.item(), step + 1
            if step % 50 == 0:
                done = time.time() - began
                print(f"step {step} loss {loss.item():.3f} {done / step:.2f} s/step", flush=True)
        average.swap()
        tensors = plain_tensors(tagger)
        average.swap()
        store(tensors, config, args.out / "stored")
        save_file(tensors, args.out / "average.safetensors")
        line = f"epoch {epoch} loss {total / len(groups):.4f} "
        if epoch % 2 == 0 or epoch == last:
            stored = AutoModelForTokenClassification.from_pretrained(args.out / "stored")
            line += f"dev {evaluate(stored, dev_sentences, cutter)['overall']['f1']:.2f} "
        line += f"minutes {(time.time() - began) / 60:.1f}"
        print(line, flush=True)
        with (args.out / "log.txt").open("a", encoding="utf-8") as log:
            log.write(line + "\n")


if __name__ == "__main__":
    main()
