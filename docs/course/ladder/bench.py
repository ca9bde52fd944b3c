"""Time the steps of the ladder, in turns: `python docs/course/ladder/bench.py`.

It prints the median of each step in GFLOP/s: 10^9 multiplications and additions a second. Step 6
takes all cores, the others one.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

STEPS = sorted(path.stem for path in Path(__file__).parent.glob("step*.py"))


def main() -> None:
    """Print a line for each step."""
    parser = argparse.ArgumentParser(description="Time the steps of the ladder.")
    parser.add_argument("--rows", type=int, default=128, help="T")
    parser.add_argument("--columns", type=int, default=768, help="N")
    parser.add_argument("--depth", type=int, default=768, help="K")
    parser.add_argument("--rounds", type=int, default=9, help="how often each step has its turn")
    sizes = parser.parse_args()
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(sizes.rows, sizes.depth)).astype(np.float32)
    weight = numbers.normal(size=(sizes.columns, sizes.depth)).astype(np.float32)
    steps = {name: import_module(name) for name in STEPS}
    packed = {name: step.prepare(weight) for name, step in steps.items()}
    for name, step in steps.items():
        step.product(x, packed[name])  # compiles
    times: dict[str, list[float]] = {name: [] for name in STEPS}
    for _ in range(sizes.rounds):
        for name, step in steps.items():
            start = perf_counter()
            step.product(x, packed[name])
            times[name].append(perf_counter() - start)
    work = 2e-9 * sizes.rows * sizes.columns * sizes.depth
    for name in STEPS:
        print(f"{name:28} {work / median(times[name]):8.2f} GFLOP/s")


if __name__ == "__main__":
    main()
