"""What a race found, as tables: times, ratios, the slowest calls, and what every engine took."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.engines import Entry, find_entry
from benchmarks.report import Table, spread
from benchmarks.usage import Usage
from minner.bench.shapes import BatchShape
from minner.bench.timing import ratios

BASE = "minner"


@dataclass
class Series:
    """What one engine did at one shape; every list has an entry for each round.

    Attributes:
        bursts: seconds of every call.
        cores: CPU time over wall time.
        threads: how many were busy.
        others: cores that other processes took meanwhile.
    """

    bursts: list[list[float]] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    others: list[float] = field(default_factory=list)

    def add(self, usage: Usage) -> None:
        """Append a round."""
        self.bursts.append(usage.seconds)
        self.cores.append(usage.cores)
        self.threads.append(usage.threads)
        self.others.append(usage.others)

    @property
    def medians(self) -> list[float]:
        """Median seconds of a call, for each round."""
        return [statistics.median(burst) for burst in self.bursts]

    def percentiles(self) -> dict[str, float]:
        """Seconds of the calls of all rounds: their number, and three percentiles."""
        calls = [seconds for burst in self.bursts for seconds in burst]
        p50, p90, p99 = np.percentile(calls, [50, 90, 99]).tolist()
        return {"count": len(calls), "p50": p50, "p90": p90, "p99": p99}


Row = dict[Entry, Series]
Race = dict[BatchShape, Row]


def tables(race: Race, memory: dict[Entry, float], setup: str) -> list[Table]:
    """All tables of a race; ratios only where minner and a peer took part.

    Args:
        race: the measurements.
        memory: peak MiB of every engine.
        setup: what the titles say about threads.
    """
    entries = next(iter(race.values()))
    names = {entry.name for entry in entries}
    compared = [ratio_table(race)] if BASE in names and len(names) > 1 else []
    return [time_table(race, setup), *compared, tail_table(race), usage_table(race, memory)]


def time_table(race: Race, setup: str) -> Table:
    """Milliseconds of every engine and shape."""
    rows = [
        [str(entry), *(spread([1e3 * s for s in row[entry].medians]) for row in race.values())]
        for entry in next(iter(race.values()))
    ]
    rounds = len(next(iter(next(iter(race.values())).values())).bursts)
    title = (
        f"Milliseconds per forward, {setup}, batch x tokens: median of {rounds} rounds, "
        "in brackets the 10th and 90th percentile"
    )
    return Table(title, ["engine", *map(str, race)], rows)


def ratio_table(race: Race) -> Table:
    """How many times as long as minner each peer takes, in the same precision."""
    rows = []
    for peer in next(iter(race.values())):
        if peer.name != BASE:
            found = [_over_base(row, peer) for row in race.values()]
            rows.append([str(peer), *map(spread, found), _mean(found)])
    for precision in _precisions(next(iter(race.values()))):
        best = [_best_peer(row, precision) for row in race.values()]
        found = [_over_base(row, peer) for row, peer in zip(race.values(), best, strict=True)]
        cells = [
            f"{statistics.median(ratio):.2f} {peer.name}"
            for ratio, peer in zip(found, best, strict=True)
        ]
        rows.append([f"best peer, {precision}", *cells, _mean(found)])
    title = f"Time of each peer over the time of {BASE}, per round: above 1, {BASE} is faster"
    return Table(title, ["peer", *map(str, race), "geometric mean"], rows)


def tail_table(race: Race) -> Table:
    """The median and the 99th percentile of single calls."""

    def cell(series: Series) -> str:
        found = series.percentiles()
        return f"{1e3 * found['p50']:.2f} / {1e3 * found['p99']:.2f}"

    rows = [
        [str(entry), *(cell(row[entry]) for row in race.values())]
        for entry in next(iter(race.values()))
    ]
    counts = [
        min(series.percentiles()["count"] for series in row.values()) for row in race.values()
    ]
    title = (
        "Milliseconds of single calls, p50 / p99 over all rounds. Of fewer than 100 calls p99 is "
        f"little more than the slowest; each engine made at least {', '.join(map(str, counts))} "
        "calls, by shape"
    )
    return Table(title, ["engine", *map(str, race)], rows)


def usage_table(race: Race, memory: dict[Entry, float]) -> Table:
    """Cores, threads and memory that every engine took."""
    rows = [
        [
            str(entry),
            *(f"{statistics.median(row[entry].cores):.2f}" for row in race.values()),
            str(max(max(row[entry].threads) for row in race.values())),
            f"{statistics.mean(o for row in race.values() for o in row[entry].others):.2f}",
            f"{memory[entry]:.0f}",
        ]
        for entry in next(iter(race.values()))
    ]
    title = (
        "Cores that each engine kept busy during its bursts (CPU time over wall time, median of "
        "the rounds), how many of its threads computed at most, cores that other processes took "
        "meanwhile, and the peak of its memory"
    )
    header = ["engine", *map(str, race), "busy threads", "others' cores", "peak MiB"]
    return Table(title, header, rows)


def _over_base(row: Row, peer: Entry) -> list[float]:
    return ratios(row[peer].medians, row[find_entry(BASE, peer.precision)].medians)


def _best_peer(row: Row, precision: str) -> Entry:
    peers = [entry for entry in row if entry.precision == precision and entry.name != BASE]
    return min(peers, key=lambda entry: statistics.median(row[entry].medians))


def _precisions(entries: Iterable[Entry]) -> list[str]:
    return list(dict.fromkeys(entry.precision for entry in entries if entry.name != BASE))


def _mean(found: Sequence[Sequence[float]]) -> str:
    return f"{statistics.geometric_mean(map(statistics.median, found)):.2f}"
