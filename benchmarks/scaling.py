"""minner against the machine's limits and against itself, in interleaved rounds.

- A sentence of 128 wordpieces against the peak of the cores' float32 multiply-adds: the products
  decide. In another precision the share may pass 100 %.
- A sentence of 16 wordpieces against the speed at which the same cores read as many bytes as the
  model has: every weight is needed, and each only for a few rows.
- More threads against one.
- A list of texts in one call against a loop of single calls, from text to entities.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from random import Random

from benchmarks.engines import Minner
from benchmarks.machine import describe
from benchmarks.model import find_model, random_ids
from benchmarks.options import count_rounds, shared_options
from benchmarks.report import Table, finish, progress, spread
from benchmarks.worker import Worker
from minner.bench.probes import FLOPS, Arithmetic, Memory
from minner.bench.timing import ratios
from minner.bench.work import forward_flops, matrix_weights
from minner.entity import Entity
from minner.weights.config import Config, read_config

LONG, SHORT = 128, 16
"""Wordpieces of the two sentences."""

WEIGHT_BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}
"""Precision -> bytes of a weight."""

BIG = 1 << 30
"""Bytes that no cache holds."""

TEXTS = 32
TEXT_WORDS = {"short": (3, 30), "long": (40, 200)}
"""Least and most words of the mixed texts."""

WORDS = (
    "the of and to in a said on for that was with he at by from is as his it an be were has but "
    "John Smith Maria Lopez London Berlin Acme Corp Reuters Tuesday minister company market shares"
)

Seconds = dict[str, list[float]]


class Texts:
    """The same texts, tagged in one call and one by one."""

    def __init__(self, checkpoint: Path, threads: int, precision: str) -> None:
        import minner

        self._tagger = minner.load(checkpoint, precision=precision, threads=threads)

    def one_list(self, kind: str) -> list[list[Entity]]:
        """All texts in one call."""
        return self._tagger(mixed_texts(kind))

    def loop(self, kind: str) -> list[list[Entity]]:
        """One call per text."""
        return [self._tagger(text) for text in mixed_texts(kind)]


def mixed_texts(kind: str) -> list[str]:
    """Texts of random words, and of lengths spread evenly over the kind's range."""
    random, words = Random(kind), WORDS.split()
    return [
        " ".join(random.choices(words, k=random.randint(*TEXT_WORDS[kind]))) + "."
        for _ in range(TEXTS)
    ]


def main() -> None:
    """Measure what the command line asks for."""
    parser = shared_options(__doc__, rounds=10, minutes=3, output="scaling.json")
    parser.add_argument("--precision", choices=WEIGHT_BYTES, default="float32", help="of minner")
    options = parser.parse_args()
    machine, model = describe(), find_model(options)
    config = read_config(model.checkpoint)
    weights = WEIGHT_BYTES[options.precision] * matrix_weights(config)
    progress("loading")
    counts = sorted({1, options.threads})
    engines = {n: Worker(Minner, model.checkpoint, n, options.precision) for n in counts}
    arithmetic = Worker(Arithmetic, options.threads)
    sizes = {"model": weights, "big": BIG}
    memories = {name: Worker(Memory, size, options.threads) for name, size in sizes.items()}
    texts = Worker(Texts, model.checkpoint, options.threads, options.precision)
    for kind in TEXT_WORDS:
        if texts.call("one_list", kind) != texts.call("loop", kind):
            raise SystemExit(f"{kind} texts: the list and the loop give different entities")

    seconds: Seconds = {}

    def measure(name: str, worker: Worker, method: str, argument: object, **limits: float) -> None:
        times = worker.burst(method, argument, **limits)
        seconds.setdefault(name, []).append(statistics.median(times))

    for number in count_rounds(options):
        for n in counts:
            measure(f"peak {n}", arithmetic, "run", n)
            measure(f"forward {LONG} {n}", engines[n], "run", random_ids(1, LONG))
        for n in counts:
            measure(f"read model {n}", memories["model"], "run", n)
            measure(f"forward {SHORT} {n}", engines[n], "run", random_ids(1, SHORT))
            measure(f"read big {n}", memories["big"], "run", n, warm_ups=0)
        for kind in TEXT_WORDS:
            ways = ["one_list", "loop"]
            for way in ways if number % 2 else reversed(ways):
                measure(f"{kind} {way}", texts, way, kind, least=1, warm_ups=0)
    for worker in (*engines.values(), arithmetic, *memories.values(), texts):
        worker.close()

    tables = tables_of(seconds, options, config)
    finish("scaling", vars(options), machine, tables, {"seconds": seconds}, options.output)


def tables_of(seconds: Seconds, options: argparse.Namespace, config: Config) -> list[Table]:
    """What was measured, as three tables."""
    counts = sorted({1, options.threads})
    weights = WEIGHT_BYTES[options.precision] * matrix_weights(config)
    rounds = len(next(iter(seconds.values())))
    note = (
        f"{options.precision}, median of {rounds} rounds, in brackets the 10th and 90th percentile"
    )
    return [
        arithmetic_table(seconds, counts, config, note),
        memory_table(seconds, counts, weights, note),
        list_table(seconds, options.threads, note),
    ]


# ---- tables -------------------------------------------------------------------------------------


def arithmetic_table(seconds: Seconds, counts: list[int], config: Config, note: str) -> Table:
    """The long sentence against the peak of the cores."""
    flops, rows = forward_flops(config, LONG), []
    for n in counts:
        forward = seconds[f"forward {LONG} {n}"]
        peak = [n * FLOPS / time / 1e9 for time in seconds[f"peak {n}"]]
        rate = [flops / time / 1e9 for time in forward]
        rows.append(
            [
                str(n),
                spread([1e3 * time for time in forward]),
                f"{statistics.median(rate):.0f}",
                f"{statistics.median(peak):.0f}",
                spread([100 * share for share in ratios(rate, peak)], 1),
                spread(ratios(seconds[f"forward {LONG} 1"], forward)),
            ]
        )
    title = f"1x{LONG}, {flops / 1e9:.2f} GFLOP, {note}"
    header = [
        "threads",
        "ms",
        "GFLOP/s",
        "float32 peak",
        "% of that peak",
        "speed-up over 1 thread",
    ]
    return Table(title, header, rows)


def memory_table(seconds: Seconds, counts: list[int], size: int, note: str) -> Table:
    """The short sentence against the speed of reading memory."""
    rows = []
    for n in counts:
        forward, read = seconds[f"forward {SHORT} {n}"], seconds[f"read model {n}"]
        rows.append(
            [
                str(n),
                spread([1e3 * time for time in forward]),
                f"{size / statistics.median(forward) / 1e9:.1f}",
                f"{size / statistics.median(read) / 1e9:.1f}",
                spread([100 * share for share in ratios(read, forward)], 1),
                f"{BIG / statistics.median(seconds[f'read big {n}']) / 1e9:.1f}",
            ]
        )
    title = f"1x{SHORT}, {size / 1e6:.0f} MB of weights, {note}"
    header = ["threads", "ms", "weights GB/s", "a plain read of as many bytes, GB/s"]
    return Table(title, [*header, "% of that", "a plain read of 1 GiB, GB/s"], rows)


def list_table(seconds: Seconds, threads: int, note: str) -> Table:
    """One list against a loop of single calls."""
    rows = []
    for kind, (least, most) in TEXT_WORDS.items():
        one_list, loop = seconds[f"{kind} one_list"], seconds[f"{kind} loop"]
        rows.append(
            [
                f"{kind}, {least} to {most} words",
                f"{TEXTS / statistics.median(loop):.0f}",
                f"{TEXTS / statistics.median(one_list):.0f}",
                spread(ratios(loop, one_list)),
            ]
        )
    title = (
        f"{TEXTS} mixed texts to entities, {threads} threads: one list against a loop of single "
        f"calls, {note}"
    )
    return Table(title, ["texts", "loop, texts/s", "list, texts/s", "list over loop"], rows)


if __name__ == "__main__":
    main()
