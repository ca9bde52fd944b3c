"""Draw epochs of text: all data sets, varied at random, and made-up sentences, cut into wordpieces.

Writes ``OUT/00.npz``, ``01.npz`` and so on. Equal numbers and seeds give equal epochs. All runs
read these files, so that text is drawn, and labelled by teachers, only once.
"""

from __future__ import annotations

import argparse
import random
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from data import Cutter, Mix, Sample, sequences
from invented import Inventor
from sets import SETS, read_set
from text import Text
from tokenizers import Tokenizer
from vary import Rates, varied


class Material:
    """All text: what each epoch reads."""

    def __init__(self, args: argparse.Namespace) -> None:
        """Read the data sets, and learn from them what names there are."""
        self.seed, self.invented = args.seed, args.invented
        self.cutter = Cutter(Tokenizer.from_file(str(args.start / "tokenizer.json")))
        self.inventor, self.rates, self.mix = Inventor(), Rates(), Mix()
        self.documents = []
        for data_set in SETS:
            if data_set.files and data_set.name not in args.leave_out:
                documents = read_set(data_set, args.data)
                self.documents += documents
                if data_set.gives_names:
                    self.inventor.learn_names(documents)

    def epoch(self, number: int) -> list[Sample]:
        """Return the sequences of an epoch."""
        rng = random.Random(f"{self.seed}/{number}")
        made_up = [self.inventor.sentence(rng) for _ in range(self.invented)]
        return [
            sample
            for document in [*self.documents, made_up]
            for sample in sequences(
                document,
                lambda sentence: varied(sentence, self.rates, self.inventor, rng),
                self.mix,
                self.cutter,
                rng,
            )
        ]


def draw(args: argparse.Namespace, numbers: list[int]) -> None:
    """Draw and write the epochs of these numbers."""
    material = Material(args)
    for number in numbers:
        arrays = Text.arrays(material.epoch(number))
        np.savez(args.out / f"{number:02}.npz", **arrays)
        print(
            f"epoch {number}: {len(arrays['lengths'])} sequences, {len(arrays['ids'])} wordpieces"
        )


def main() -> None:
    """Share the epochs among processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of all data sets")
    parser.add_argument("--start", type=Path, required=True, help="a model, for its tokenizer")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--leave-out", nargs="*", default=[], help="sets not to train on")
    parser.add_argument("--invented", type=int, default=6000, help="made-up sentences an epoch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    names = [data_set.name for data_set in SETS if data_set.files]
    if unknown := {*args.leave_out} - {*names}:
        parser.error(f"no such data set: {', '.join(unknown)}; there are {', '.join(names)}")
    args.out.mkdir(parents=True, exist_ok=True)
    shares = [list(range(args.epochs))[worker :: args.workers] for worker in range(args.workers)]
    with ProcessPoolExecutor(args.workers) as pool:
        list(pool.map(draw, [args] * len(shares), shares))


if __name__ == "__main__":
    main()
