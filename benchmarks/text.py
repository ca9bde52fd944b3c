"""Race from text to entities: the sentences of CoNLL-2003's test set, in interleaved rounds.

minner gets the sentences as a stream, in their order. Its peer may do what suits a padding
engine best: it sees the whole set at once, tokenises it in one call on all threads, sorts it by
length, and runs padded batches. Its batch size and its mode are chosen by a first race over a
seventh of the sentences; only the best goes on. Both use the same pieces and give the same tags,
which is checked before anything is timed.

CoNLL-2003 is not part of this repository (Reuters text, for research): `--data` says where it is.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines import OPENVINO_PRECISIONS
from benchmarks.machine import ROOT, describe
from benchmarks.model import Model, find_model
from benchmarks.options import count_rounds, shared_options
from benchmarks.report import Table, finish, progress, spread
from benchmarks.worker import Worker
from minner.bench.timing import ratios
from minner.chunks import Chunk, conlleval_chunks
from minner.conll import read_conll

DATA = ROOT.parent / "shared" / "data" / "conll2003" / "eng.testb"

LEAST_EQUAL = 0.9995
"""Share of the words whose tags must be equal: random weights put a few words on the edge."""

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


class PaddedOpenVino:
    """OpenVINO behind the usual pipeline: sort by length, pad, run, take the best class."""

    def __init__(
        self, model: Model, threads: int, precision: str, batch: int, parallel: bool
    ) -> None:
        """Load the model.

        Args:
            model: the checkpoint and its exports.
            threads: in all.
            precision: of the arithmetic.
            batch: sentences per batch.
            parallel: run one batch per thread (OpenVINO's throughput mode), not one on all.
        """
        import openvino
        from tokenizers import Tokenizer

        config = json.loads((model.checkpoint / "config.json").read_text(encoding="utf-8"))
        self._labels = [label for _, label in sorted(config["id2label"].items(), key=_by_number)]
        self._tokenizer = Tokenizer.from_file(str(model.checkpoint / "tokenizer.json"))
        self._batch = batch
        settings = {
            "PERFORMANCE_HINT": "THROUGHPUT" if parallel else "LATENCY",
            "NUM_STREAMS": threads if parallel else 1,
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": OPENVINO_PRECISIONS[precision],
        }
        compiled = openvino.Core().compile_model(model.onnx, "CPU", settings)
        self._queue = openvino.AsyncInferQueue(compiled, threads if parallel else 1)
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
        """The tag of each word is that of its first piece; a word without pieces is O."""
        tags, before = ["O"] * count, None
        for piece, word in enumerate(words):
            if word is not None and word != before:
                tags[word] = self._labels[best[piece]]
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


class Peer(NamedTuple):
    """One way to set the peer's pipeline up."""

    batch: int
    parallel: bool

    def __str__(self) -> str:
        mode = "a batch per thread" if self.parallel else "a batch on all threads"
        return f"openvino, sorted, padded, {self.batch} a batch, {mode}"


PEERS = (Peer(16, False), Peer(32, False), Peer(16, True))


def main() -> None:
    """Run the race that the command line asks for."""
    parser = shared_options(__doc__, rounds=4, minutes=4, output="text.json")
    parser.add_argument("--data", type=Path, default=DATA, help="a file in CoNLL format")
    parser.add_argument("--precision", default="float32", help="of all pipelines")
    parser.add_argument("--every", type=int, default=1, help="take only each n-th sentence")
    options = parser.parse_args()
    machine, model = describe(), find_model(options)
    sentences = [sentence.words for sentence in read_conll(options.data)][:: options.every]

    setup = model, options.threads, options.precision
    ours = Worker(Minner, *setup)
    peers = {peer: Worker(PaddedOpenVino, *setup, *peer) for peer in PEERS}
    sample = sentences[::7]
    expected = ours.call("run", sample)
    equal = {str(peer): compare(expected, worker, sample) for peer, worker in peers.items()}
    pilot = {peer: _seconds(worker, sample) for peer, worker in peers.items()}
    best = min(PEERS, key=lambda peer: pilot[peer])
    progress(f"best of {len(PEERS)} peers: {best}")
    for peer in PEERS:
        if peer != best:
            peers[peer].close()

    racers = {"minner": ours, str(best): peers[best]}
    seconds: dict[str, list[float]] = {name: [] for name in racers}
    for number in count_rounds(options):
        for name in sorted(racers, reverse=number % 2 == 1):
            seconds[name].append(_seconds(racers[name], sentences))
    for worker in racers.values():
        worker.close()

    measurements = {
        "sentences": len(sentences),
        "equal_tags": equal,
        "pilot_seconds": {str(peer): value for peer, value in pilot.items()},
        "seconds": seconds,
    }
    table = speed_table(seconds, len(sentences), options.threads, options.precision)
    finish("text", vars(options), machine, [table], measurements, options.output)


def compare(expected: Result, worker: Worker, sentences: Sequence[Sentence]) -> float:
    """Return the share of words that get the expected tag; ends the race where it is too low."""
    tags, _ = worker.call("run", sentences)
    pairs = [
        pair for both in zip(expected[0], tags, strict=True) for pair in zip(*both, strict=True)
    ]
    equal = statistics.mean(a == b for a, b in pairs)
    if equal < LEAST_EQUAL:
        raise SystemExit(f"only {equal:.2%} of the tags are equal")
    return equal


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
