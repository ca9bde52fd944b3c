"""Race from text to entities: the sentences of CoNLL-2003's test set, in interleaved rounds.

minner gets the sentences as a stream, in their order. Its peer may do what suits a padding
engine best: it sees the whole set at once, tokenises it in one call on all threads, sorts it by
length, and runs padded batches. Its batch size and its mode are chosen by a first race over a
seventh of the sentences; only the best goes on. Both use the same wordpieces and give the tags that
minner gives in float32, but for the few words that are on the edge between two tags: that is
checked before anything is timed.

CoNLL-2003 is not part of this repository (Reuters text, for research): `--data` says where it is.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines import ENTRIES, Entry, OpenVino
from benchmarks.machine import ROOT, describe
from benchmarks.model import Model, find_model
from benchmarks.options import count_rounds, shared_options
from benchmarks.report import Table, finish, progress, spread
from benchmarks.worker import Worker
from minner.bench.timing import ratios
from minner.decoding.chunks import Chunk, conlleval_chunks
from minner.scoring.conll import read_conll

DATA = ROOT.parent / "shared" / "data" / "conll2003" / "eng.testb"

LEAST_EQUAL = {"float32": 0.9995, "bfloat16": 0.98, "int8": 0.9}
"""Precision -> share of the words whose tags must be those of minner in float32. Random weights
put many words near the edge between two of nine tags, where rounding decides: of 600 words OpenVINO
has 0.990 in bfloat16 and 0.944 to 0.960 in int8, minner 0.996 and 0.972. (A trained model is surer:
see accuracy.py.)"""

Sentence = Sequence[str]
Result = tuple[list[list[str]], list[list[Chunk]]]


class Minner:
    """minner, as its documentation says: a stream goes in, tags come out."""

    def __init__(self, model: Model, threads: int, precision: str) -> None:
        import minner

        self._tagger = minner.load(model.checkpoint, precision=precision, threads=threads)

    def run(self, sentences: Sequence[Sentence]) -> Result:
        """Sentences -> a tag per word, and the entities."""
        tags = list(self._tagger.pipe_tags(iter(sentences)))
        return tags, [conlleval_chunks(sentence) for sentence in tags]


class Peer(NamedTuple):
    """One way to set the peer's pipeline up.

    Attributes:
        entry: its line in the table of engines.
        batch: sentences per batch.
        parallel: run one batch per thread (OpenVINO's throughput mode), not one on all.
    """

    entry: Entry
    batch: int
    parallel: bool

    def __str__(self) -> str:
        mode = "a batch per thread" if self.parallel else "a batch on all threads"
        return f"{self.entry.name}, sorted, padded, {self.batch} a batch, {mode}"


class PaddedOpenVino:
    """OpenVINO behind the usual pipeline: sort by length, pad, run, take the best class."""

    def __init__(self, model: Model, threads: int, setup: Peer) -> None:
        """Load the model; so many threads in all."""
        import openvino
        from tokenizers import Tokenizer

        config = json.loads((model.checkpoint / "config.json").read_text(encoding="utf-8"))
        self._labels = [label for _, label in sorted(config["id2label"].items(), key=_by_number)]
        self._tokenizer = Tokenizer.from_file(str(model.checkpoint / "tokenizer.json"))
        self._batch = setup.batch
        settings = {
            "PERFORMANCE_HINT": "THROUGHPUT" if setup.parallel else "LATENCY",
            "NUM_STREAMS": threads if setup.parallel else 1,
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": setup.entry.setting,
        }
        compiled = openvino.Core().compile_model(model.path(setup.entry.form), "CPU", settings)
        self._queue = openvino.AsyncInferQueue(compiled, threads if setup.parallel else 1)
        self._queue.set_callback(self._keep)

    def run(self, sentences: Sequence[Sentence]) -> Result:
        """Sentences -> a tag per word, and the entities."""
        encodings = self._tokenizer.encode_batch(list(sentences), is_pretokenized=True)
        by_length = sorted(range(len(sentences)), key=lambda i: len(encodings[i].ids))
        self._best: dict[int, NDArray[np.intp]] = {}
        for start in range(0, len(by_length), self._batch):
            places = by_length[start : start + self._batch]
            self._queue.start_async(_padded([encodings[i].ids for i in places]), places)
        self._queue.wait_all()
        tags = [
            self._tags(encodings[i].word_ids, self._best[i], len(sentence))
            for i, sentence in enumerate(sentences)
        ]
        return tags, [conlleval_chunks(sentence) for sentence in tags]

    def _keep(self, request: Any, places: list[int]) -> None:
        best = request.get_output_tensor(0).data.argmax(axis=-1)
        self._best.update(zip(places, best, strict=True))

    def _tags(self, words: list[int | None], best: NDArray[np.intp], count: int) -> list[str]:
        """The tag of each word is that of its first wordpiece; a word without wordpieces is O."""
        tags, before = ["O"] * count, None
        for wordpiece, word in enumerate(words):
            if word is not None and word != before:
                tags[word] = self._labels[best[wordpiece]]
            before = word
        return tags


def _by_number(item: tuple[str, str]) -> int:
    return int(item[0])


def _padded(rows: list[list[int]]) -> dict[str, NDArray[np.int64]]:
    shape = (len(rows), len(rows[-1]))  # sorted by length: the last is the longest
    ids, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": mask}


# ---- the race -----------------------------------------------------------------------------------


def find_peers(precision: str) -> list[Peer]:
    """All ways to set it up in a precision."""
    return [
        Peer(entry, batch, parallel)
        for entry in ENTRIES
        if entry.make is OpenVino and entry.precision == precision
        for batch, parallel in ((16, False), (32, False), (16, True))
    ]


def main() -> None:
    """Run the race that the command line asks for."""
    parser = shared_options(__doc__, rounds=4, minutes=4, output="text.json")
    parser.add_argument("--data", type=Path, default=DATA, help="a file in CoNLL format")
    parser.add_argument(
        "--precision", choices=LEAST_EQUAL, default="float32", help="of all pipelines"
    )
    parser.add_argument("--every", type=int, default=1, help="take only each n-th sentence")
    options = parser.parse_args()
    peers = find_peers(options.precision)
    machine, model = describe(), find_model(options, [peer.entry.form for peer in peers])
    sentences = [sentence.words for sentence in read_conll(options.data)][:: options.every]

    sample = sentences[::7]
    reference = Worker(Minner, model, options.threads, "float32")
    expected, _ = reference.call("run", sample)
    reference.close()
    racers = {"minner": Worker(Minner, model, options.threads, options.precision)}
    racers |= {str(peer): Worker(PaddedOpenVino, model, options.threads, peer) for peer in peers}
    equal = {
        name: share_equal(name, expected, worker.call("run", sample)[0], options.precision)
        for name, worker in racers.items()
    }
    pilot = {name: _seconds(worker, sample) for name, worker in racers.items()}
    best = min(pilot.keys() - {"minner"}, key=lambda name: pilot[name])
    progress(f"best of {len(peers)} peers: {best}")
    for name in racers.keys() - {"minner", best}:
        racers.pop(name).close()

    seconds: dict[str, list[float]] = {name: [] for name in racers}
    for number in count_rounds(options):
        for name in sorted(racers, reverse=number % 2 == 1):
            seconds[name].append(_seconds(racers[name], sentences))
    for worker in racers.values():
        worker.close()

    measurements = {
        "sentences": len(sentences),
        "equal_tags": equal,
        "pilot_seconds": pilot,
        "seconds": seconds,
    }
    table = speed_table(seconds, len(sentences), options.threads, options.precision)
    finish("text", vars(options), machine, [table], measurements, options.output)


def share_equal(
    name: str, expected: Sequence[Sentence], tags: Sequence[Sentence], precision: str
) -> float:
    """Return the share of words that get the expected tag; ends the race where it is too low."""
    pairs = zip(chain.from_iterable(expected), chain.from_iterable(tags), strict=True)
    share = statistics.mean(a == b for a, b in pairs)
    if share < LEAST_EQUAL[precision]:
        raise SystemExit(f"{name}: only {share:.2%} of the tags are those of float32")
    return share


def _seconds(worker: Worker, sentences: Sequence[Sentence]) -> float:
    return worker.burst("run", sentences, seconds=0, least=1, warm_ups=0)[0]


def speed_table(seconds: dict[str, list[float]], count: int, threads: int, precision: str) -> Table:
    """Sentences per second, and how many times as fast minner is."""
    base = seconds["minner"]
    rows = [
        [
            name,
            f"{count / statistics.median(values):.0f}",
            "" if values is base else spread(ratios(values, base)),
        ]
        for name, values in seconds.items()
    ]
    title = (
        f"Text to entities, {count} sentences, {precision}, {threads} threads, "
        f"{len(base)} rounds: median, in brackets the 10th and 90th percentile"
    )
    return Table(title, ["pipeline", "sentences/s", "minner is faster by the factor"], rows)


if __name__ == "__main__":
    main()
