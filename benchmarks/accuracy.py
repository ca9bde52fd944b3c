"""What a precision costs in tags: CoNLL-2003 in every precision on every instruction set.

Each combination runs in a process of its own, in which features of the processor are hidden.
F1 is conlleval's. Tags and logits are compared with those of float32 on the first set, by default
the fullest, which the tests hold to transformers within 2e-5.

CoNLL-2003 is not part of this repository (Reuters text, for research): `--data` says where it is.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines import TOLERANCES
from benchmarks.machine import ROOT, describe
from benchmarks.options import WORK, comma_list
from benchmarks.report import Table, finish, progress
from benchmarks.worker import Worker
from instruction_sets import host_sets
from minner.decoding.chunks import to_iob2
from minner.decoding.softmax import softmax
from minner.scoring.conll import Sentence, read_conll
from minner.scoring.numbers import card_numbers
from minner.text.wordpieces import encode_words

DATA = ROOT.parent / "shared" / "data" / "conll2003"
SPLITS = {"dev": "eng.testa", "test": "eng.testb"}

Splits = dict[str, list[Sentence]]
Scores = dict[str, float]
Found = dict[str, dict[str, dict[str, Scores]]]
"""By precision, instruction set and split."""


class Output(NamedTuple):
    """What the model makes of all sentences of a split: a tag per word, and the logits `[n, C]`."""

    tags: list[list[str]]
    logits: NDArray[np.float32]


class Minner:
    """minner, with a look at the logits behind its tags."""

    def __init__(self, checkpoint: Path | None, threads: int, precision: str) -> None:
        import minner

        self._tagger = minner.load(checkpoint, precision=precision, threads=threads)

    def run(self, sentences: Sequence[Sequence[str]]) -> Output:
        """Tag the words of sentences that fit into the model's positions."""
        tagger, vocabulary = self._tagger, self._tagger.vocabulary
        wordpieces = [encode_words(words, vocabulary) for words in sentences]
        ids = [(vocabulary.cls_id, *found.ids, vocabulary.sep_id) for found in wordpieces]
        logits = tagger.logits(ids)
        labels, tags = np.array(tagger.labels, dtype=object), []
        for words, found, rows in zip(sentences, wordpieces, logits, strict=True):
            ours = np.full(len(words), "O", dtype=object)
            seen, places = found.first()
            ours[seen] = labels[softmax(rows[1 + places]).argmax(axis=1)]
            tags.append(ours.tolist())
        return Output(tags, np.concatenate(logits))


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of eng.testa, eng.testb")
    parser.add_argument("--every", type=int, default=1, help="take only each n-th sentence")
    parser.add_argument("--checkpoint", type=Path, help="a DistilBERT instead of the embedded one")
    precisions = ",".join(TOLERANCES)
    parser.add_argument("--precisions", type=comma_list, default=precisions, help="beside float32")
    sets = {one.name: one for one in host_sets()}
    parser.add_argument(
        "--sets", nargs="+", choices=sets, default=[*sets], metavar="NAME", help="of instructions"
    )
    parser.add_argument("--threads", type=int, default=2, help="of each process")
    parser.add_argument("--output", type=Path, default=WORK / "accuracy.json", help="the JSON")
    options = parser.parse_args()
    machine = describe()
    splits: Splits = {
        name: list(read_conll(options.data / file))[:: options.every]
        for name, file in SPLITS.items()
    }

    reference: dict[str, Output] = {}
    found: Found = {}
    for precision in dict.fromkeys(["float32", *options.precisions]):
        for instructions in (sets[name] for name in options.sets):
            progress(f"{precision}, {instructions.name}")
            setup = options.checkpoint, options.threads, precision
            with patch.dict(os.environ, instructions.environment()):
                outputs = run_apart(setup, splits)
            reference = reference or outputs
            found.setdefault(precision, {})[instructions.name] = {
                name: scores(sentences, outputs[name], reference[name])
                for name, sentences in splits.items()
            }

    deviation = float(np.concatenate([output.logits for output in reference.values()]).std())
    measurements = {"deviation_of_logits": deviation, "scores": found}
    tables = [accuracy_table(found, splits, deviation)]
    finish("accuracy", vars(options), machine, tables, measurements, options.output)


def run_apart(setup: tuple[Path | None, int, str], splits: Splits) -> dict[str, Output]:
    """Have minner tag all splits in a process of its own."""
    worker = Worker(Minner, *setup)
    outputs = {
        name: worker.call("run", [sentence.words for sentence in sentences])
        for name, sentences in splits.items()
    }
    worker.close()
    return outputs


def scores(gold: Sequence[Sentence], output: Output, reference: Output) -> Scores:
    """Judge the tags of one split by the gold tags, and all output by the reference."""
    away = abs(output.logits - reference.logits)
    pairs = zip(chain(*output.tags), chain(*reference.tags), strict=True)
    numbers: dict[str, Any] = card_numbers([to_iob2(one.tags) for one in gold], output.tags)
    return {
        "f1": numbers["phrases"]["f1"],
        "equal_tags": float(np.mean([a == b for a, b in pairs])),
        "largest_difference": float(away.max()),
        "mean_difference": float(away.mean()),
    }


def accuracy_table(found: Found, splits: Splits, deviation: float) -> Table:
    """A line for every precision and instruction set."""
    rows = [
        [
            precision,
            instructions,
            *(f"{100 * of['f1']:.2f}" for of in by_split.values()),
            *(f"{100 * of['equal_tags']:.3f}" for of in by_split.values()),
            f"{max(of['largest_difference'] for of in by_split.values()):.2g}",
            f"{max(of['mean_difference'] for of in by_split.values()):.2g}",
        ]
        for precision, by_set in found.items()
        for instructions, by_split in by_set.items()
    ]
    counts = ", ".join(
        f"{len(sentences)} sentences of {name}" for name, sentences in splits.items()
    )
    title = (
        f"CoNLL-2003, {counts}. Logits, whose standard deviation is {deviation:.2f}, by their "
        "difference from float32 on the first instruction set, of the split where it is larger"
    )
    header = [
        "precision",
        "instruction set",
        *(f"F1 {name}" for name in splits),
        *(f"% of tags as in float32, {name}" for name in splits),
        "largest difference",
        "mean difference",
    ]
    return Table(title, header, rows)


if __name__ == "__main__":
    main()
