"""What kernels gain that are compiled for this very processor, against those of its target.

Images are shipped for the targets of `kernels/codegen/targets.py`; without one, minner compiles for
all that LLVM knows of the processor. The same source, twice, each in a process of its own; calls
of both are timed in turns.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from unittest.mock import patch

from benchmarks.machine import describe
from benchmarks.model import find_model, random_ids
from benchmarks.options import comma_list, count_rounds, shared_options
from benchmarks.report import Table, finish, progress, spread
from benchmarks.runtimes import Minner
from benchmarks.worker import Worker
from minner.bench.timing import ratios
from minner.kernels.codegen.processor import this_processor
from minner.kernels.codegen.targets import choose
from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS

SHAPES = ((1, 16), (1, 128), (8, 128))
"""Sequences and tokens of each."""

Times = dict[str, list[float]]


def main() -> None:
    """Measure what the command line asks for."""
    parser = shared_options(__doc__, rounds=40, minutes=2, output="tuning.json")
    parser.add_argument("--precisions", type=comma_list, default=list(OPERAND_LAYOUTS))
    options = parser.parse_args()
    machine, model = describe(), find_model(options)
    target = choose(this_processor())
    if target is None:
        raise SystemExit("no target is for this processor")
    environments = {target.name: target.environment, "this processor": {}}
    measurements: dict[str, dict[str, Times]] = {}
    for precision in options.precisions:
        progress(precision)
        workers = {}
        for name, environment in environments.items():
            with patch.dict(os.environ, environment):
                workers[name] = Worker(Minner, model.checkpoint, options.threads, precision)
        measurements[precision] = race(workers, count_rounds(options))
        for worker in workers.values():
            worker.close()
    table = tuning_table(measurements, target.name)
    finish("tuning", vars(options), machine, [table], measurements, options.output)


def race(workers: dict[str, Worker], rounds: Iterable[int]) -> dict[str, Times]:
    """The median seconds of a call in each round, by shape and worker."""
    found: dict[str, Times] = {f"{b}x{t}": {name: [] for name in workers} for b, t in SHAPES}
    for number in rounds:
        for batch, tokens in SHAPES:
            names = list(workers)[:: 1 if number % 2 else -1]
            for name in names:
                times = workers[name].burst("run", random_ids(batch, tokens))
                found[f"{batch}x{tokens}"][name].append(sorted(times)[len(times) // 2])
    return found


def tuning_table(measurements: dict[str, dict[str, Times]], target: str) -> Table:
    """How many times as long the target's kernels take."""
    rows = [
        [precision, shape, spread(ratios(times[target], times["this processor"]), 3)]
        for precision, shapes in measurements.items()
        for shape, times in shapes.items()
    ]
    title = (
        f"The time of target {target} over that of code for this processor: median of rounds, in "
        "brackets the 10th and 90th percentile"
    )
    return Table(title, ["precision", "shape", "ratio"], rows)


if __name__ == "__main__":
    main()
