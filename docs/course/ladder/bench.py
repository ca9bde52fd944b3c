"""Time the steps of the ladder, in turns: `python docs/course/ladder/bench.py`.

It prints a line for each step: GFLOP/s, that is 10^9 multiplications and additions a second, and
which share that is of what one core can do at most in float32. The most is measured, too, in every
round. Before anything is timed, every step must pass the oracle.
"""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import numpy as np
from oracle import complaint

from minner.bench import machine
from minner.bench.probes import Arithmetic
from minner.bench.timing import burst

STEPS = sorted(path.stem for path in Path(__file__).parent.glob("step*.py"))


def main() -> None:
    """Measure, print a line for each step, and write a file where that is asked for."""
    parser = argparse.ArgumentParser(description="Time the steps of the ladder.")
    parser.add_argument("--rows", type=int, default=128, help="T")
    parser.add_argument("--columns", type=int, default=3072, help="N")
    parser.add_argument("--depth", type=int, default=3072, help="K")
    parser.add_argument("--rounds", type=int, default=9, help="how often each step has its turn")
    parser.add_argument("--output", type=Path, help="a file for all measurements, JSON")
    options = parser.parse_args()
    found = measure(options.rows, options.columns, options.depth, options.rounds)
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(found))


def measure(rows: int, columns: int, depth: int, rounds: int) -> dict[str, Any]:
    """Time every step that runs here.

    Returns:
        JSON-ready: `machine`; `sizes`; `skipped`, steps and why; `peak`, GFLOP/s of one core in
        each round; `seconds` of each step, the median of each round.
    """
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(rows, depth)).astype(np.float32)
    weight = numbers.normal(size=(columns, depth)).astype(np.float32)
    steps: dict[str, ModuleType] = {name: import_module(name) for name in STEPS}
    skipped = {name: why for name in STEPS if (why := getattr(steps[name], "SKIPPED", ""))}
    run = [name for name in STEPS if name not in skipped]
    for name in run:
        if wrong := complaint(steps[name], x, weight):
            raise SystemExit(f"{name}: {wrong}")
    prepared = {name: steps[name].prepare(x, weight) for name in run}
    arithmetic = Arithmetic(1)
    found: dict[str, Any] = {
        "machine": machine.describe(),
        "sizes": {"T": rows, "N": columns, "K": depth},
        "skipped": skipped,
        "peak": [],
        "seconds": {name: [] for name in run},
    }
    for _ in range(rounds):
        probe = burst(arithmetic.run, 1, seconds=0, least=3, warm_ups=1)
        found["peak"].append(arithmetic.flops / median(probe) / 1e9)
        for name in run:
            calls = burst(steps[name].product, *prepared[name], seconds=0.05, least=1, warm_ups=1)
            found["seconds"][name].append(median(calls))
    return found


def rates(found: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """GFLOP/s of each step, and its share of the peak: medians over the rounds."""
    work = 2e-9 * np.prod(list(found["sizes"].values()))
    return {
        name: (
            float(np.median(work / np.array(seconds))),
            float(np.median(work / np.array(seconds) / np.array(found["peak"]))),
        )
        for name, seconds in found["seconds"].items()
    }


def table(found: dict[str, Any]) -> str:
    """A line for each step, and the machine."""
    peak, done = median(found["peak"]), rates(found)
    lines = [f"{found['machine']['cpu']}: at most {peak:.0f} GFLOP/s a core in float32"]
    for name in STEPS:
        if name in done:
            lines.append(f"{name:28} {done[name][0]:8.1f} GFLOP/s {done[name][1]:7.1%}")
        else:
            lines.append(f"{name:28} skipped: {found['skipped'][name]}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
