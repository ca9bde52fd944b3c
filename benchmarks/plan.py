"""What 1 to 32 threads would bring: a plan on paper, from what two cores can measure.

Every kernel of a forward pass is cut into items, which threads take one after another; at its end
all threads wait at a barrier. So a stage that takes `t` on one thread takes at least `t` times the
items of the busiest thread over all items: 24 micropanels on 16 threads take as long as on 12. To
that comes a barrier a stage, which is assumed to cost each thread one transfer of a cache line, one
after another: on n threads n / 2 times what was measured on two. And no product can be faster than
its weights arrive: the last columns say what would be left if many cores got no more from memory
than two got here, which is the worst case, and only true where the weights fit in no cache.

The plan for two threads stands beside the measurement, so that it can be judged.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.machine import describe
from benchmarks.model import find_model
from benchmarks.options import shared_options
from benchmarks.report import Table, finish, progress
from checkpoints import write_checkpoint
from minner.bench.measure import random_ids
from minner.bench.probes import Memory
from minner.bench.shapes import BatchShape
from minner.bench.timing import burst
from minner.kernels.model import LAYER, PRODUCTS, sizes_of, stage_names
from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS
from minner.kernels.runtime.team import ROWS_PER_ITEM
from minner.kernels.vector.target import NR

if TYPE_CHECKING:
    from minner.tagger import Tagger
    from minner.weights.config import Config

THREADS = (1, 2, 4, 8, 16, 24, 32)
SHAPES = (BatchShape(1, 16), BatchShape(1, 128), BatchShape(4, 128))
"""The last one fills a native call; a larger batch is several."""

SECONDS = 2.0
"""How long each shape is measured."""

BARRIER_LAYERS = 60
"""Of the model that barriers are measured with: enough of them to outweigh the call."""

BIG = 1 << 30
"""Bytes that no cache holds."""


class Stage(NamedTuple):
    """All stages of a name, of all layers.

    Attributes:
        seconds: on one thread.
        items: that threads can share, in one layer.
        weights: bytes that are read.
    """

    seconds: float
    items: int
    weights: int


class Costs(NamedTuple):
    """What threads cost: seconds of a barrier of two, barriers of a pass, bytes a second of two."""

    barrier: float
    barriers: int
    read: float


def planned(stages: Sequence[Stage], costs: Costs, threads: int) -> tuple[float, float]:
    """Seconds of a pass on so many threads: at best, and if they read no faster than two."""
    waiting = costs.barriers * costs.barrier * threads / 2 if threads > 1 else 0.0
    shares = [stage.seconds * busiest(stage.items, threads) for stage in stages]
    bound = [
        max(share, stage.weights / costs.read) if threads > 1 else share
        for share, stage in zip(shares, stages, strict=True)
    ]
    return waiting + sum(shares), waiting + sum(bound)


def busiest(items: int, threads: int) -> float:
    """The share of all items that the busiest thread has."""
    return -(-items // threads) / items


def items_of(config: Config, precision: str, shape: BatchShape) -> dict[str, tuple[int, int]]:
    """For each stage, the items of one layer, and the bytes of its weights in all layers."""
    sizes = sizes_of(config.shape)._asdict()
    per_dword = OPERAND_LAYOUTS[precision].weights_per_dword
    rows = -(-shape.batch * shape.tokens // ROWS_PER_ITEM)
    found = {name: (rows, 0) for name in stage_names(config.n_layers, precision == "int8")}
    for step in LAYER:
        if step.name in PRODUCTS:
            columns = len(step.modules) * sizes[step.rows]
            weights = config.n_layers * columns * sizes[step.columns] * 4 // per_dword
            found[step.name] = (-(-columns // NR), weights)
    found["attention"] = (shape.batch * config.n_heads, 0)
    found["classifier"] = (1, 0)
    return found


def main() -> None:
    """Measure what the plan needs, and draw it up."""
    parser = shared_options(__doc__, rounds=1, minutes=1, output="plan.json")
    parser.add_argument("--precision", choices=OPERAND_LAYOUTS, default="float32")
    options = parser.parse_args()
    import minner

    machine, model = describe(), find_model(options)
    one, two = (
        minner.load(model.checkpoint, precision=options.precision, threads=n) for n in (1, 2)
    )
    progress("measuring")
    memory = Memory(BIG, 2)
    read = BIG / statistics.median(burst(memory.run, 2, seconds=1))
    barriers = len(stage_names(one.config.n_layers, options.precision == "int8"))
    costs = Costs(barrier_seconds(), barriers, read)
    plans, measured = {}, {}
    for shape in SHAPES:
        stages = measure_stages(one, options.precision, shape)
        plans[str(shape)] = {n: planned(stages, costs, n) for n in THREADS}
        measured[str(shape)] = seconds_of(two, shape)
    tables = [plan_table(plans, measured, costs, options.precision)]
    measurements = {**costs._asdict(), "plans": plans, "measured_on_two": measured}
    finish("plan", vars(options), machine, tables, measurements, options.output)


def seconds_of(tagger: Tagger, shape: BatchShape) -> float:
    """Median seconds of one call."""
    ids = random_ids(shape, tagger.config.vocab_size)
    return statistics.median(burst(tagger.logits, ids, seconds=SECONDS))


def measure_stages(tagger: Tagger, precision: str, shape: BatchShape) -> list[Stage]:
    """The stages of a pass on one thread: medians over some seconds of calls."""
    with tagger.record() as passes:
        seconds_of(tagger, shape)
    found = [timings.seconds() for timings in passes]
    items = items_of(tagger.config, precision, shape)
    return [Stage(statistics.median(one[name] for one in found), *items[name]) for name in found[0]]


def barrier_seconds() -> float:
    """Seconds of a barrier of two threads: of passes from barrier to barrier, without any work."""
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(Path(folder), n_layers=BARRIER_LAYERS)
        one, two = (empty_pass_seconds(Path(folder), threads) for threads in (1, 2))
    return max(two - one, 0.0) / len(stage_names(BARRIER_LAYERS))


def empty_pass_seconds(checkpoint: Path, threads: int) -> float:
    """Median seconds of a pass that leaves out all of its stages."""
    import minner

    engine = minner.load(checkpoint, threads=threads)._reader.engine
    with engine.turn():
        stages, end = engine.stages([np.zeros(1, np.int32)]), len(stage_names(BARRIER_LAYERS))
        return statistics.median(burst(stages.run, end, end, seconds=SECONDS))


def plan_table(
    plans: dict[str, dict[int, tuple[float, float]]],
    measured: dict[str, float],
    costs: Costs,
    precision: str,
) -> Table:
    """Milliseconds and speed-up for every thread count."""
    rows = []
    for n in THREADS:
        row = [str(n)]
        for shape, plan in plans.items():
            best, worst = plan[n]
            told = f" (measured {1e3 * measured[shape]:.2f})" if n == 2 else ""
            row += [
                f"{1e3 * best:.2f}{told}, x {plan[1][0] / best:.1f}",
                f"{1e3 * worst:.2f}, x {plan[1][0] / worst:.1f}",
            ]
        rows.append(row)
    title = (
        f"Planned milliseconds, and times as fast as one thread, {precision}: {costs.barriers} "
        f"barriers of {1e6 * costs.barrier:.2f} us on two threads; two cores read "
        f"{costs.read / 1e9:.0f} GB/s"
    )
    columns = [f"{shape}{end}" for shape in plans for end in (", at best", ", memory of two cores")]
    return Table(title, ["threads", *columns], rows)


if __name__ == "__main__":
    main()
