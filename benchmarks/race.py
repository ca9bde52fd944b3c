"""Race the engines: ids in, logits out, every engine in its own process, in interleaved rounds.

The machine may be shared and noisy, so nothing here trusts a single figure. In every round each
engine gets one short burst of calls per shape, one engine after the other, in an order that
rotates; a burst counts by its median. Engines are compared round by round, within seconds of
each other, and the median of those ratios is the result. No engine is timed before all engines
have given the logits that transformers gives in float32, as nearly as their precision allows.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterable, Sequence

from benchmarks.engines import (
    ENTRIES,
    REFERENCE,
    TOLERANCES,
    Difference,
    Entry,
    Logits,
    difference,
    find_entry,
)
from benchmarks.limit import limit_to_avx2
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


def parse_options() -> tuple[argparse.Namespace, list[Entry]]:
    """Read the command line; returns its options and who takes part."""
    parser = shared_options(__doc__, rounds=15, minutes=6, output="race.json")
    shapes = ",".join(map(str, SHAPES))
    parser.add_argument("--shapes", type=parse_shapes, default=shapes, help="batch x tokens")
    names = ",".join(dict.fromkeys(entry.name for entry in ENTRIES))
    parser.add_argument("--engines", type=comma_list, default=names, help="who takes part")
    parser.add_argument("--precisions", type=comma_list, default="float32", help="which of them")
    parser.add_argument("--avx2", action="store_true", help="hide all that is beyond AVX2")
    options = parser.parse_args()
    known = {entry.name for entry in ENTRIES} | TOLERANCES.keys()
    if unknown := {*options.engines, *options.precisions} - known:
        parser.error(f"neither an engine nor a precision: {', '.join(unknown)}")
    entries = [
        entry
        for entry in ENTRIES
        if entry.name in options.engines and entry.precision in options.precisions
    ]
    if not entries:
        parser.error("none of these engines has such a precision")
    return options, entries


def main() -> None:
    """Run the race that the command line asks for."""
    options, entries = parse_options()
    if options.avx2:
        limit_to_avx2(options.work)
    racers = [*entries, REFERENCE]
    machine, model = describe(), find_model(options, [entry.form for entry in racers])

    progress(f"loading {REFERENCE}")
    reference = REFERENCE.start(model, options.threads)
    expected = {shape: reference.call("run", random_ids(*shape)) for shape in options.shapes}
    reference.close()
    workers: Workers = {}
    differences: dict[str, Difference] = {}
    for entry in entries:
        progress(f"loading {entry}")
        workers[entry] = entry.start(model, options.threads)
        differences[str(entry)] = compare(entry, workers[entry], expected)

    times: dict[BatchShape, Times] = {
        shape: {entry: [] for entry in workers} for shape in options.shapes
    }
    for number in count_rounds(options):
        for shape in options.shapes:
            for entry, seconds in one_round(workers, shape, number).items():
                times[shape][entry].append(seconds)
    for worker in workers.values():
        worker.close()

    limit = ", limited to AVX2" if options.avx2 else ""
    tables = [time_table(times, f"{options.threads} threads{limit}")]
    if BASE in options.engines and len(options.engines) > 1:
        tables.append(ratio_table(times))
    seconds = {
        str(shape): {str(entry): values for entry, values in row.items()}
        for shape, row in times.items()
    }
    measurements = {
        "differences_of_logits": {name: found._asdict() for name, found in differences.items()},
        "seconds": seconds,
    }
    finish("race", vars(options), machine, tables, measurements, options.output)


def compare(entry: Entry, worker: Worker, expected: dict[BatchShape, Logits]) -> Difference:
    """Have an engine compute every shape; returns how far its logits are from the expected.

    Raises:
        SystemExit: further than the tolerance of its precision, or not a number.
    """
    logits = [worker.call("run", random_ids(*shape)) for shape in expected]
    found, allowed = difference(logits, list(expected.values())), TOLERANCES[entry.precision]
    if not (found.largest < allowed.largest and found.mean < allowed.mean):
        raise SystemExit(f"{entry}: logits are off: {found}, but allowed is {allowed}")
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


def time_table(times: dict[BatchShape, Times], setup: str) -> Table:
    """Milliseconds of every engine and shape."""
    rows = [
        [
            str(entry),
            *(spread([1e3 * seconds for seconds in row[entry]]) for row in times.values()),
        ]
        for entry in next(iter(times.values()))
    ]
    rounds = len(next(iter(next(iter(times.values())).values())))
    title = (
        f"Milliseconds per forward, {setup}, batch x tokens: median of {rounds} rounds, "
        "in brackets the 10th and 90th percentile"
    )
    return Table(title, ["engine", *map(str, times)], rows)


def ratio_table(times: dict[BatchShape, Times]) -> Table:
    """How many times as long as minner each peer takes, in the same precision."""
    rows = []
    for peer in next(iter(times.values())):
        if peer.name != BASE:
            found = [ratios(row[peer], _base(row, peer.precision)) for row in times.values()]
            rows.append([str(peer), *map(spread, found), _mean(found)])
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
    return row[find_entry(BASE, precision)]


def _best_peer(row: Times, precision: str) -> Entry:
    peers = [entry for entry in row if entry.precision == precision and entry.name != BASE]
    return min(peers, key=lambda entry: statistics.median(row[entry]))


def _precisions(entries: Iterable[Entry]) -> list[str]:
    return list(dict.fromkeys(entry.precision for entry in entries))


def _mean(found: Sequence[Sequence[float]]) -> str:
    return f"{statistics.geometric_mean(map(statistics.median, found)):.2f}"


if __name__ == "__main__":
    main()
