"""Does memory stay flat? Resident memory of an engine after 10,000 calls of random lengths.

Some engines keep what they allocated for each length they have seen; a service then grows until it
is killed. Every engine gets the same sequences of 1 to 384 wordpieces in the same order, each in a
process of its own, by default with a model of the shape of BERT-tiny (2 layers, 128), so that it
ends in a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines import find_entry
from benchmarks.machine import describe
from benchmarks.model import find_model, random_ids
from benchmarks.options import comma_list, shared_options
from benchmarks.report import Table, finish, progress
from benchmarks.worker import Worker

LONGEST = 384
PEERS = "minner,onnxruntime"
MARKS = (100, 1_000, 2_000, 5_000, 10_000)
"""After how many calls memory is read."""


class Marathon:
    """An engine that runs a list of lengths in one request."""

    def __init__(self, make: Any, path: Path, threads: int, setting: str) -> None:
        self._engine = make(path, threads, setting)

    def run(self, lengths: Sequence[int]) -> None:
        """Compute one random sequence of every length."""
        for length in lengths:
            self._engine.run(random_ids(1, length))


def main() -> None:
    """Measure what the command line asks for."""
    parser = shared_options(__doc__, rounds=1, minutes=8, output="flatness.json")
    parser.set_defaults(model="bert-tiny")
    parser.add_argument("--engines", type=comma_list, default=PEERS, help="who takes part")
    parser.add_argument("--precision", default="float32", help="of all")
    parser.add_argument("--calls", type=int, default=MARKS[-1], help="of every engine")
    options = parser.parse_args()
    entries = [find_entry(name, options.precision) for name in options.engines]
    machine, model = describe(), find_model(options, [entry.form for entry in entries])
    lengths = np.random.default_rng(0).integers(1, LONGEST + 1, options.calls).tolist()
    marks = [mark for mark in MARKS if mark <= options.calls]

    memory = {}
    for entry in entries:
        progress(f"running {entry}")
        setup = entry.make, model.path(entry.form), options.threads, entry.setting
        worker = Worker(Marathon, *setup)
        memory[str(entry)] = run(worker, lengths, marks)
        worker.close()
    table = flatness_table(memory, options.model)
    finish("flatness", vars(options), machine, [table], {"mib": memory}, options.output)


def run(worker: Worker, lengths: Sequence[int], marks: Sequence[int]) -> dict[str, float]:
    """Give a worker all lengths; returns MiB resident at every mark, and the `peak`."""
    found = {}
    for begin, end in zip([0, *marks], marks, strict=False):
        worker.call("run", lengths[begin:end])
        found[str(end)] = worker.memory()["resident"]
    return {**found, "peak": worker.memory()["peak"]}


def flatness_table(memory: dict[str, dict[str, float]], model: str) -> Table:
    """Resident memory at every mark, and by how much it grew between the first and the last."""
    marks = [mark for mark in next(iter(memory.values())) if mark != "peak"]
    rows = [
        [
            name,
            *(f"{found[mark]:.0f}" for mark in marks),
            f"{found[marks[-1]] - found[marks[0]]:+.0f}",
            f"{found['peak']:.0f}",
        ]
        for name, found in memory.items()
    ]
    title = (
        f"MiB resident after so many calls of 1 to {LONGEST} wordpieces, one sequence a call, "
        f"{model}"
    )
    header = ["engine", *(f"{int(mark):,}" for mark in marks), "growth", "peak"]
    return Table(title, header, rows)


if __name__ == "__main__":
    main()
