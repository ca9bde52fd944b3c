"""Train on all data sets with partial labels, and store the moving average of the weights.

Writes to ``OUT``: ``state.pt`` now and then, from which the same command continues after a stop;
after every epoch ``stored`` (the checkpoint as it ships), ``average.safetensors`` (the same in
float32) and a line of scores in ``log.txt``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from pathlib import Path

import torch
import vocabulary
from data import Cutter, Document, Mix, Sample, batches, pad, read_columns, sequences
from evaluate import evaluate
from invented import Inventor
from model import Tagger, WordTable, partial_loss, plain_tensors, store
from safetensors.torch import save_file
from sets import CONLL, INVENTED, SETS, DataSet, read_set
from start import Start, from_base, from_stored
from torch import Tensor
from transformers import AutoModelForTokenClassification
from vary import Rates, varied


def factor(progress: float, warm_up: float = 0.05) -> float:
    """Return the learning rate's factor: a linear rise, then a linear fall to zero."""
    return min(progress / warm_up, max(0.0, (1 - progress) / (1 - warm_up)))


class Material:
    """All text of a run: what each epoch reads."""

    def __init__(self, args: argparse.Namespace, cutter: Cutter) -> None:
        """Read the data sets."""
        self.args, self.cutter = args, cutter
        self.inventor, self.rates, self.mix = Inventor(), Rates(), Mix()
        self.sets: list[tuple[DataSet, list[Document]]] = [
            (data_set, read_set(data_set, args.data))
            for data_set in SETS
            if data_set.files and data_set.name not in args.leave_out
        ]

    def epoch(self, number: int) -> list[list[Sample]]:
        """Return the batches of an epoch; equal numbers and seeds give equal batches."""
        rng = random.Random(f"{self.args.seed}/{number}")
        documents = [document for _, documents in self.sets for document in documents]
        made_up = [self.inventor.sentence(rng) for _ in range(self.args.invented)]
        samples = [
            sample
            for document in [*documents, made_up]
            for sample in sequences(
                document,
                lambda sentence: varied(sentence, self.rates, self.inventor, rng),
                self.mix,
                self.cutter,
                rng,
            )
        ]
        return batches(samples, self.args.cells, rng)


class Average:
    """An exponential moving average of the trained parameters, updated every few steps."""

    def __init__(self, tagger: Tagger, every: int, decay: float) -> None:
        """Start from the present parameters."""
        self.parameters = [p for p in tagger.parameters() if p.requires_grad]
        self.values = [p.detach().clone() for p in self.parameters]
        self.every, self.decay = every, decay**every

    def update(self, step: int) -> None:
        """Move a little towards the present parameters."""
        if step % self.every == 0:
            decay = min(self.decay, step / (step + 10 * self.every))
            torch._foreach_lerp_(self.values, [p.detach() for p in self.parameters], 1 - decay)

    def swap(self) -> None:
        """Exchange the average and the present parameters."""
        for value, parameter in zip(self.values, self.parameters, strict=True):
            kept = parameter.detach().clone()
            parameter.data.copy_(value)
            value.copy_(kept)


class Optimizers:
    """AdamW for the network; Adam over the rows in use for the word table."""

    def __init__(self, tagger: Tagger, args: argparse.Namespace) -> None:
        """Sort the parameters: only weight matrices decay, classifier and biases learn faster."""
        fast, matrices, others = [tagger.bias.weight], [], []
        for name, parameter in tagger.network.named_parameters():
            if parameter.requires_grad:
                group = (
                    fast if "classifier" in name else matrices if parameter.dim() == 2 else others
                )
                group.append(parameter)
        self.dense = [*matrices, *others, *fast]
        groups = [
            {"params": fast, "lr": args.fast_rate, "weight_decay": 0.0},
            {"params": matrices, "lr": args.rate, "weight_decay": 0.01},
            {"params": others, "lr": args.rate, "weight_decay": 0.0},
        ]
        self.network = torch.optim.AdamW(groups, betas=(0.9, 0.999), fused=True)
        self.table = torch.optim.SparseAdam(tagger.table.parameters(), lr=args.table_rate)
        self.rates = [group["lr"] for group in self.groups()]

    def groups(self) -> list[dict[str, object]]:
        """List all parameter groups."""
        return [*self.network.param_groups, *self.table.param_groups]

    def step(self, factor: float) -> None:
        """Take a step with all learning rates times ``factor``, then forget the gradients."""
        for group, rate in zip(self.groups(), self.rates, strict=True):
            group["lr"] = rate * factor
        torch.nn.utils.clip_grad_norm_(self.dense, 1.0)
        self.network.step()
        self.table.step()
        self.network.zero_grad()
        self.table.zero_grad()


class Run:
    """A training run that can be stopped and continued."""

    def __init__(self, args: argparse.Namespace) -> None:
        """Build everything; continue from ``state.pt`` where it is there."""
        self.args = args
        (args.out / "stored").mkdir(parents=True, exist_ok=True)
        self.start: Start = from_stored(args.start) if args.start else from_base(args)
        vocabulary.save_tokenizer(self.start.tokenizer, args.out / "stored")
        self.cutter = Cutter(self.start.tokenizer)
        self.material = Material(args, self.cutter)
        torch.manual_seed(
            0
        )  # the fresh classifier: equal in all runs, so that runs can be averaged
        table = WordTable(self.start.rows, self.start.wordpieces)
        neutral = [data_set.name in (args.habits, INVENTED.name) for data_set in SETS]
        self.tagger = Tagger(self.start.config, self.start.tensors, table, neutral)
        self.weights = torch.tensor([data_set.weight for data_set in SETS])
        torch.manual_seed(args.seed)
        self.optimizers = Optimizers(self.tagger, args)
        self.average = Average(self.tagger, every=16, decay=args.average)
        self.done, self.step, self.seconds = (0, 0), 0, 0.0
        if (args.out / "state.pt").is_file():
            self.load()
        self.tagger.refresh()

    def save(self) -> None:
        """Write the state, whole or not at all."""
        state = {
            "tagger": self.tagger.state_dict(),
            "average": self.average.values,
            "network": self.optimizers.network.state_dict(),
            "table": self.optimizers.table.state_dict(),
            "random": torch.get_rng_state(),
            "place": (self.done, self.step, self.seconds),
        }
        torch.save(state, self.args.out / "state.new")
        os.replace(self.args.out / "state.new", self.args.out / "state.pt")

    def load(self) -> None:
        """Continue where `save` was called."""
        state = torch.load(self.args.out / "state.pt")
        self.tagger.load_state_dict(state["tagger"])
        self.average.values = state["average"]
        self.optimizers.network.load_state_dict(state["network"])
        self.optimizers.table.load_state_dict(state["table"])
        torch.set_rng_state(state["random"])
        self.done, self.step, self.seconds = state["place"]

    def learn(self, batch: list[Sample], progress: float) -> float:
        """Take one step; return the loss."""
        padded = pad(batch)
        ids, mask, allowed, sets, first = (
            torch.from_numpy(array)
            for array in (padded.ids, padded.mask, padded.allowed, padded.sets, padded.first)
        )
        rows = self.tagger.table(ids).detach().requires_grad_()
        logits = self.tagger(rows, mask, sets)
        weight = self.wordpiece_weights(allowed, sets, first)
        loss = (partial_loss(logits, allowed) * weight).sum() / weight.sum()
        loss.backward()
        self.tagger.take_gradient()
        self.tagger.table.take_gradient(ids, rows.grad)
        self.optimizers.step(factor(progress))
        self.tagger.refresh()
        self.step += 1
        self.average.update(self.step)
        return loss.item()

    def wordpiece_weights(self, allowed: Tensor, sets: Tensor, first: Tensor) -> Tensor:
        """Weigh wordpieces by their set; less if they continue a word, 0 for [CLS] and [SEP]."""
        return self.weights[sets] * torch.where(first, 1.0, self.args.later_weight) * (allowed != 0)

    def run(self) -> None:
        """Train to the end, or to the epoch of ``--stop-after``."""
        for epoch in range(self.done[0], self.args.stop_after or self.args.epochs):
            plan, losses, began = self.material.epoch(epoch), [], time.time()
            self.tagger.quick[0].train()
            for place in range(self.done[1], len(plan)):
                progress = (epoch + place / len(plan)) / self.args.epochs
                losses.append(self.learn(plan[place], progress))
                if (place + 1) % 400 == 0:
                    self.seconds, began = self.seconds + time.time() - began, time.time()
                    self.done = (epoch, place + 1)
                    self.save()
                if (place + 1) % 50 == 0:
                    pace = (time.time() - began) / (place % 400 + 1)
                    recent = sum(losses[-50:]) / len(losses[-50:])
                    print(
                        f"{epoch}:{place + 1}/{len(plan)} loss {recent:.4f} {pace:.2f} s",
                        flush=True,
                    )
            self.seconds += time.time() - began
            self.done = (epoch + 1, 0)
            self.save()
            self.write(f"epoch {epoch + 1} loss {sum(losses) / max(1, len(losses)):.4f}")

    def write(self, line: str) -> None:
        """Store the average of the weights, score it on dev, and log that."""
        self.average.swap()
        tensors = plain_tensors(self.tagger)
        self.average.swap()
        store(tensors, self.start.config, self.args.out / "stored")
        save_file(tensors, self.args.out / "average.safetensors")
        for path in self.args.dev:
            sentences = [sentence for document in read_columns(path) for sentence in document]
            stored = AutoModelForTokenClassification.from_pretrained(self.args.out / "stored")
            line += f" {path.name} {evaluate(stored, sentences, self.cutter)['overall']['f1']:.2f}"
        line += f" minutes {self.seconds / 60:.1f}"
        print(line, flush=True)
        with (self.args.out / "log.txt").open("a", encoding="utf-8") as log:
            log.write(line + "\n")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of all data sets")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="a stored model to train further")
    parser.add_argument("--base", type=Path, help="else: folder of the BERT checkpoint")
    parser.add_argument("--cased", type=Path, help="and: vocab.txt of BERT cased")
    parser.add_argument("--count", type=Path, nargs="*", default=[], help="and: column files")
    parser.add_argument("--count-plain", type=Path, nargs="*", default=[], help="and: plain text")
    parser.add_argument("--rows", type=int, default=48_000, help="and: size of the vocabulary")
    parser.add_argument("--dev", type=Path, nargs="*", default=[], help="files to score on")
    parser.add_argument("--leave-out", nargs="*", default=[], help="sets not to train on")
    parser.add_argument("--habits", default=CONLL.name, help="the set whose habits rule")
    parser.add_argument("--invented", type=int, default=4000, help="made-up sentences an epoch")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--stop-after", type=int, help="stop early, after so many epochs")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--table-rate", type=float, default=2e-4, help="of the word table")
    parser.add_argument("--fast-rate", type=float, default=5e-4, help="of classifier and biases")
    parser.add_argument("--cells", type=int, default=800, help="padded wordpieces in a batch")
    parser.add_argument(
        "--later-weight", type=float, default=0.5, help="of a word's later wordpieces"
    )
    parser.add_argument("--average", type=float, default=0.998, help="decay of the moving average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if not args.start and not (args.base and args.cased):
        parser.error("give --start, or --base and --cased")
    names = [data_set.name for data_set in SETS if data_set.files]
    if unknown := {*args.leave_out, args.habits} - {*names}:
        parser.error(f"no such data set: {', '.join(unknown)}; there are {', '.join(names)}")
    if args.habits in args.leave_out:
        parser.error(f"--habits {args.habits} is left out; name a set that is trained on")
    return args


def main() -> None:
    """Run, or continue, what the command line says; note the settings."""
    args = arguments()
    torch.set_num_threads(args.threads)
    run = Run(args)
    settings = {name: str(value) for name, value in vars(args).items()}
    (args.out / "settings.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    run.run()


if __name__ == "__main__":
    main()
