"""Race the engines: ids in, logits out, every engine in its own process, in interleaved rounds.

The machine may be shared and noisy, so nothing here trusts a single figure. In every round each
engine gets one short burst of calls per shape, one engine after the other, in an order that
rotates; a burst counts by its median. Engines are compared round by round, within seconds of
each other, and the median of those ratios is the result. No engine is timed before it has given
the logits that transformers gives in float32, as nearly as its precision allows, and none may
compute on more threads than all others.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.engines import (
    ENTRIES,
    REFERENCE,
    TOLERANCES,
    Difference,
    Entry,
    Logits,
    difference,
)
from benchmarks.limit import limit_to_avx2
from benchmarks.machine import describe
from benchmarks.model import Model, find_model, random_ids
from benchmarks.options import comma_list, count_rounds, shared_options
from benchmarks.race_tables import BASE, Race, Series, tables
from benchmarks.report import finish, progress
from benchmarks.usage import QUIET, check_parity
from benchmarks.worker import Worker, WorkerError
from minner.bench.shapes import SHAPES, BatchShape, parse_shapes

Workers = dict[Entry, Worker]

TRIES = 4
"""Bursts of an engine in a round, at most, until one is undisturbed."""


def main() -> None:
    """Run the race that the command line asks for."""
    options, entries = parse()
    if options.avx2:
        limit_to_avx2(options.work, {entry.name for entry in entries})
    left_out = {str(entry): reason for entry in entries if (reason := entry.missing())}
    entries = [entry for entry in entries if str(entry) not in left_out]
    forms = [entry.form for entry in (*entries, REFERENCE)]
    machine, model = describe(), find_model(options, forms)
    progress(f"loading {REFERENCE}")
    reference = REFERENCE.start(model, options.threads)
    expected = {shape: reference.call("run", random_ids(*shape)) for shape in options.shapes}
    reference.close()
    workers, differences, refused = load(entries, model, options.threads, expected)
    left_out |= refused
    for name, reason in left_out.items():
        progress(f"left out: {name}: {reason}")

    race: Race = {shape: {entry: Series() for entry in workers} for shape in options.shapes}
    for number in count_rounds(options):
        for shape in options.shapes:
            one_round(workers, shape, number, race[shape], options.threads)
    memory = {entry: worker.memory()["peak"] for entry, worker in workers.items()}
    for worker in workers.values():
        worker.close()

    limit = ", limited to AVX2" if options.avx2 else ""
    measurements = {
        "differences_of_logits": {name: found._asdict() for name, found in differences.items()},
        "left_out": left_out,
        "seconds": each(race, lambda series: series.medians),
        "calls": each(race, Series.percentiles),
        "cores": each(race, lambda series: series.cores),
        "others_cores": each(race, lambda series: series.others),
        "busy_threads": each(race, lambda series: max(series.threads)),
        "peak_mib": {str(entry): size for entry, size in memory.items()},
    }
    setup = f"{options.threads} threads{limit}"
    finish(
        "race", vars(options), machine, tables(race, memory, setup), measurements, options.output
    )


def parse() -> tuple[Namespace, list[Entry]]:
    """Read the command line; returns the options, and the engines that they name."""
    parser: ArgumentParser = shared_options(__doc__, rounds=15, minutes=6, output="race.json")
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


def load(
    entries: Sequence[Entry], model: Model, threads: int, expected: dict[BatchShape, Logits]
) -> tuple[Workers, dict[str, Difference], dict[str, str]]:
    """Start every engine, and hold its logits to the expected ones.

    Returns:
        The workers; how far their logits are from the expected; and why a peer does not run here.

    Raises:
        SystemExit: logits are off.
        WorkerError: minner itself does not run.
    """
    workers: Workers = {}
    differences, refused = {}, {}
    for entry in entries:
        progress(f"loading {entry}")
        try:
            worker = entry.start(model, threads)
            logits = [worker.call("run", random_ids(*shape)) for shape in expected]
        except WorkerError as error:
            if entry.name == BASE:
                raise
            refused[str(entry)] = error.reason
            continue
        workers[entry] = worker
        differences[str(entry)] = check_logits(entry, logits, list(expected.values()))
    return workers, differences, refused


def check_logits(entry: Entry, logits: Sequence[Logits], expected: Sequence[Logits]) -> Difference:
    """Return how far an engine's logits are from the expected.

    Raises:
        SystemExit: further than the tolerance of its precision, or not a number.
    """
    found, allowed = difference(logits, expected), TOLERANCES[entry.precision]
    if not (found.largest < allowed.largest and found.mean < allowed.mean):
        raise SystemExit(f"{entry}: logits are off: {found}, but allowed is {allowed}")
    return found


def one_round(
    workers: Workers, shape: BatchShape, number: int, row: dict[Entry, Series], threads: int
) -> None:
    """Give every engine one burst, in the order of this round.

    A burst that other processes disturbed is repeated; of TRIES, the least disturbed counts.

    Raises:
        SystemExit: an engine computed on more threads than it was given.
    """
    ids, entries = random_ids(*shape), list(workers)
    first = number % len(entries)
    for entry in entries[first:] + entries[:first]:
        usage = workers[entry].watch("run", ids)
        for _ in range(TRIES - 1):
            if usage.others < QUIET:
                break
            usage = min(usage, workers[entry].watch("run", ids), key=lambda one: one.others)
        check_parity(str(entry), usage, threads)
        row[entry].add(usage)


def each(race: Race, value: Callable[[Series], Any]) -> dict[str, dict[str, Any]]:
    """A value of every series, by the names of shape and engine."""
    return {
        str(shape): {str(entry): value(series) for entry, series in row.items()}
        for shape, row in race.items()
    }


if __name__ == "__main__":
    main()
