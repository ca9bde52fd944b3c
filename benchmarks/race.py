"""Race the engines: ids in, logits out, every engine in its own process, in interleaved rounds.

The machine may be shared and noisy, so nothing here trusts a single figure. In every round each
engine gets one short burst of calls per shape, one engine after the other, in an order that
rotates; a burst counts by its median. Engines are compared round by round, within seconds of
each other, and the median of those ratios is the result. No engine is timed before all engines
have given the same logits.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.engines import ENTRIES, TOLERANCE, Entry
from benchmarks.machine import describe
from benchmarks.model import find_model, random_ids
from benchmarks.options import comma_list, count_rounds, shared_options
from benchmarks.report import Table, finish, progress, spread
from benchmarks.worker import Worker
from minner.bench.shapes import SHAPES, BatchShape, parse_shapes
from minner.bench.timing import ratios

Workers = dict[Entry, Worker]
Times = dict[Entry, list[float]]

BASE = "minner"


def main() -> None:
    """Run the race that the command line asks for."""
    parser = shared_options(__doc__, rounds=15, minutes=6, output="race.json")
    shapes = ",".join(map(str, SHAPES))
    parser.add_argument("--shapes", type=parse_shapes, default=shapes, help="batch x tokens")
    names = ",".join(dict.fromkeys(entry.name for entry in ENTRIES))
    parser.add_argument("--engines", type=comma_list, default=names, help="who takes part")
    parser.add_argument("--precisions", type=comma_list, default="float32", help="which of them")
    options = parser.parse_args()
    if unknown := set(options.engines) - {entry.name for entry in ENTRIES}:
        parser.error(f"unknown engines: {', '.join(unknown)}")
    machine, model = describe(), find_model(options)

    workers: Workers = {}
    for entry in ENTRIES:
        if entry.name in options.engines and entry.precision in options.precisions:
            progress(f"loading {entry.name} {entry.precision}")
            workers[entry] = Worker(entry.make, model, options.threads, entry.precision)
    differences = {precision: 0.0 for precision in options.precisions}
    for shape in options.shapes:
        for precision, difference in compare(workers, shape).items():
            differences[precision] = max(difference, differences[precision])

    times: dict[BatchShape, Times] = {
        shape: {entry: [] for entry in workers} for shape in options.shapes
    }
    for number in count_rounds(options):
        for shape in options.shapes:
            for entry, seconds in one_round(workers, shape, number).items():
                times[shape][entry].append(seconds)
    for worker in workers.values():
        worker.close()

    tables = [time_table(times, options.threads)]
    if BASE in options.engines and len(workers) > 1:
        tables.append(ratio_table(times))
    seconds = {
        str(shape): {f"{entry.name} {entry.precision}": values for entry, values in row.items()}
        for shape, row in times.items()
    }
    measurements = {"largest_difference_of_logits": differences, "seconds": seconds}
    finish("race", vars(options), machine, tables, measurements, options.output)


def compare(workers: Workers, shape: BatchShape) -> dict[str, float]:
    """Have all engines compute the same batch.

    Returns:
        For each precision, the largest difference of one logit between any two of its engines.

    Raises:
        SystemExit: a difference is beyond the tolerance, or not a number.
    """
    ids, found = random_ids(*shape), {}
    for precision in _precisions(workers):
        entries = [entry for entry in workers if entry.precision == precision]
        logits = np.stack([workers[entry].call("run", ids) for entry in entries])
        found[precision] = float((logits.max(axis=0) - logits.min(axis=0)).max())
        if not found[precision] < TOLERANCE[precision]:
            raise SystemExit(f"{shape}: {precision} logits differ by {found[precision]}")
    return found


def one_round(workers: Workers, shape: BatchShape, number: int) -> dict[Entry, float]:
    """Give every engine one burst; returns the median seconds of each."""
    ids, entries = random_ids(*shape), list(workers)
    first = number % len(entries)
    return {
        entry: statistics.median(workers[entry].burst("run", ids))
        for entry in entries[first:] + entries[:first]
    }


# ---- tables -------------------------------------------------------------------------------------


def time_table(times: dict[BatchShape, Times], threads: int) -> Table:
    """Milliseconds of every engine and shape."""
    rows = [
        [
            f"{entry.name} {entry.precision}",
            *(spread([1e3 * seconds for seconds in row[entry]]) for row in times.values()),
        ]
        for entry in next(iter(times.values()))
    ]
    rounds = len(next(iter(next(iter(times.values())).values())))
    title = (
        f"Milliseconds per forward, {threads} threads, batch x tokens: median of {rounds} rounds, "
        "in brackets the 10th and 90th percentile"
    )
    return Table(title, ["engine", *map(str, times)], rows)


def ratio_table(times: dict[BatchShape, Times]) -> Table:
    """How many times as long as minner each peer takes, in the same precision."""
    rows = []
    for peer in next(iter(times.values())):
        if peer.name != BASE:
            found = [ratios(row[peer], _base(row, peer.precision)) for row in times.values()]
            rows.append([f"{peer.name} {peer.precision}", *map(spread, found), _mean(found)])
    for precision in _precisions(next(iter(times.values()))):
        best = [_best_peer(row, precision) for row in times.values()]
        found = [
            ratios(row[peer], _base(row, precision))
            for row, peer in zip(times.values(), best, strict=True)
        ]
        cells = [
            f"{statistics.median(ratio):.2f} {peer.name}"
            for ratio, peer in zip(found, best, strict=True)
        ]
        rows.append([f"best peer, {precision}", *cells, _mean(found)])
    title = f"Time of each peer over the time of {BASE}, per round: above 1, {BASE} is faster"
    return Table(title, ["peer", *map(str, times), "geometric mean"], rows)


def _base(row: Times, precision: str) -> list[float]:
    return next(row[entry] for entry in row if entry[:2] == (BASE, precision))


def _best_peer(row: Times, precision: str) -> Entry:
    peers = [entry for entry in row if entry.precision == precision and entry.name != BASE]
    return min(peers, key=lambda entry: statistics.median(row[entry]))


def _precisions(entries: Iterable[Entry]) -> list[str]:
    return list(dict.fromkeys(entry.precision for entry in entries))


def _mean(found: Sequence[Sequence[float]]) -> str:
    return f"{statistics.geometric_mean(map(statistics.median, found)):.2f}"


if __name__ == "__main__":
    main()
