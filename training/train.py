"""Train on drawn text with partial labels, and with teachers' labels where there are some.

Writes to ``OUT``, after every few epochs and at the end, the moving average of the weights as a
Hugging Face folder in float32, and a line of scores in ``log.txt``; and every ten minutes
``state.pt``, from which the same command continues after a stop.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from pathlib import Path

import torch
from data import Cutter, read_columns
from evaluate import evaluate
from model import Tagger, WordTable, partial_loss, plain_tensors, soft_loss
from safetensors.torch import load_file, save_file
from sets import CONLL, SETS
from text import Batch, Text
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoConfig, AutoModelForTokenClassification

SAVE_EVERY = 600  # seconds


def factor(progress: float, warm_up: float = 0.05) -> float:
    """Return the learning rate's factor: a linear rise, then a linear fall to zero."""
    return min(progress / warm_up, max(0.0, (1 - progress) / (1 - warm_up)))


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
    """AdamW for the network; for the word table Adam, on a CPU over the rows in use only."""

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
        table = list(tagger.table.parameters())
        if tagger.table.sparse:
            self.table = torch.optim.SparseAdam(table, lr=args.table_rate)
        else:
            self.table = torch.optim.Adam(table, lr=args.table_rate, fused=True)
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
        args.out.mkdir(parents=True, exist_ok=True)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (args.out / name).write_bytes((args.start / name).read_bytes())
        tokenizer = Tokenizer.from_file(str(args.start / "tokenizer.json"))
        self.cutter = Cutter(tokenizer)
        self.texts = sorted(args.text.glob("*.npz"))
        vocab = tokenizer.get_vocab()
        wordpieces = sorted(vocab, key=vocab.__getitem__)
        self.config = AutoConfig.from_pretrained(args.start)
        tensors = {n: t.float() for n, t in load_file(args.start / "model.safetensors").items()}
        rows = tensors.pop(next(name for name in tensors if "word_embeddings" in name))
        has_habits = [each.own_habits and each.name != args.habits for each in SETS]
        torch.manual_seed(0)  # an equal fresh classifier in all runs, so that they can be averaged
        table = WordTable(rows, wordpieces, sparse=args.device == "cpu")
        self.tagger = Tagger(self.config, tensors, table, has_habits).to(args.device)
        self.weights = torch.tensor([each.weight for each in SETS], device=args.device)
        self.place_weights = torch.tensor([0.0, 1.0, args.later_weight], device=args.device)
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
        state = torch.load(self.args.out / "state.pt", map_location=self.args.device)
        self.tagger.load_state_dict(state["tagger"])
        self.average.values = state["average"]
        self.optimizers.network.load_state_dict(state["network"])
        self.optimizers.table.load_state_dict(state["table"])
        torch.set_rng_state(state["random"].cpu())
        self.done, self.step, self.seconds = state["place"]

    def learn(self, batch: Batch, progress: float) -> Tensor:
        """Take one step; return the loss."""
        logits = self.tagger(batch.ids, batch.mask)
        loss = self.loss(logits, batch)
        loss.backward()
        self.tagger.take_gradient()
        self.optimizers.step(factor(progress))
        self.tagger.refresh()
        self.step += 1
        self.average.update(self.step)
        return loss.detach()

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss over what the sets mark and over what the teachers say."""
        places = self.place_weights[batch.place]
        known = self.weights[batch.sets] * places * (batch.allowed != 0)
        marked = partial_loss(logits + self.tagger.habits(batch.sets), batch.allowed)
        loss = (marked * known).sum() / known.sum().clamp(min=1)
        if batch.soft is not None and self.args.soft:
            said = soft_loss(logits, batch.soft)
            loss = loss + self.args.soft * (said * places).sum() / places.sum()
        return loss

    def run(self) -> None:
        """Train to the end."""
        for epoch in range(self.done[0], self.args.epochs):
            rng = random.Random(f"{self.args.seed}/{epoch}")
            turn = (epoch + self.args.seed) % len(self.texts)
            text = Text.read(self.texts[turn], self.args.device)
            plan, losses, began = text.batches(self.args.cells, rng), [], time.time()
            self.tagger.quick[0].train()
            for place in range(self.done[1], len(plan)):
                progress = (epoch + place / len(plan)) / self.args.epochs
                losses.append(self.learn(text.batch(plan[place]), progress))
                if time.time() - began > SAVE_EVERY:
                    self.seconds, began = self.seconds + time.time() - began, time.time()
                    self.done = (epoch, place + 1)
                    self.save()
            self.seconds += time.time() - began
            self.done = (epoch + 1, 0)
            mean = torch.stack(losses).mean().item() if losses else float("nan")
            line = f"epoch {epoch + 1} steps {len(losses)} loss {mean:.4f}"
            last = epoch + 1 == self.args.epochs
            self.log(line + (self.store() if last or (epoch + 1) % self.args.every == 0 else ""))

    def store(self) -> str:
        """Store the average of the weights, score it on the dev files; return the scores."""
        self.average.swap()
        tensors = plain_tensors(self.tagger)
        self.average.swap()
        save_file(tensors, self.args.out / "model.safetensors", metadata={"format": "pt"})
        self.config.save_pretrained(self.args.out)
        scores = ""
        for path in self.args.dev:
            sentences = [sentence for document in read_columns(path) for sentence in document]
            model = AutoModelForTokenClassification.from_pretrained(self.args.out)
            found = evaluate(model.to(self.args.device), sentences, self.cutter)
            scores += f" {path.name} {found['overall']['f1']:.2f}"
        return scores

    def log(self, line: str) -> None:
        """Print a line and keep it."""
        line += f" minutes {self.seconds / 60:.1f}"
        print(line, flush=True)
        with (self.args.out / "log.txt").open("a", encoding="utf-8") as log:
            log.write(line + "\n")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=Path, required=True, help="what start.py wrote, or a model")
    parser.add_argument("--text", type=Path, required=True, help="what draw.py wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dev", type=Path, nargs="*", default=[], help="files to score on")
    parser.add_argument("--habits", default=CONLL.name, help="the set whose habits rule")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--every", type=int, default=4, help="store and score after so many epochs")
    parser.add_argument("--soft", type=float, default=1.0, help="weight of the teachers' labels")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--table-rate", type=float, default=2e-4, help="of the word table")
    parser.add_argument("--fast-rate", type=float, default=1e-3, help="of classifier and biases")
    parser.add_argument("--cells", type=int, default=2400, help="padded wordpieces in a batch")
    parser.add_argument(
        "--later-weight", type=float, default=0.5, help="of a word's later wordpieces"
    )
    parser.add_argument("--average", type=float, default=0.998, help="decay of the moving average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if args.habits not in [data_set.name for data_set in SETS]:
        parser.error(f"no such data set: {args.habits}")
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
