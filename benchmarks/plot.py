"""Draw a race: how fast every engine is, relative to minner in its precision, for every shape.

python -m benchmarks.plot race.json race.svg
"""

from __future__ import annotations

import json
import statistics
import sys
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from minner.bench.timing import ratios


def draw(race: dict[str, Any], path: str) -> None:
    """Draw one group of bars per shape; a whisker spans the 10th to 90th percentile of rounds."""
    shapes = race["measurements"]["seconds"]
    engines = list(next(iter(shapes.values())))
    places, width = np.arange(len(shapes)), 0.85 / len(engines)
    figure, axes = plt.subplots(figsize=(11, 4.5), layout="constrained")
    for i, engine in enumerate(engines):
        base = f"minner {engine.split()[-1]}"
        found = [ratios(row[base], row[engine]) for row in shapes.values()]
        low, middle, high = np.percentile(found, [10, 50, 90], axis=1)
        bars = axes.bar(
            places + (i - (len(engines) - 1) / 2) * width,
            middle,
            width,
            yerr=[middle - low, high - middle],
            label=engine,
            error_kw={"linewidth": 0.8},
        )
        milliseconds = [1e3 * statistics.median(row[engine]) for row in shapes.values()]
        labels = [f"{value:.0f}" if value >= 100 else f"{value:.1f}" for value in milliseconds]
        axes.bar_label(bars, labels, fontsize=7, padding=2)
    axes.axhline(1.0, color="black", linewidth=0.6)
    axes.set_xticks(places, list(shapes))
    axes.set_xlabel("batch x tokens; above each bar its milliseconds")
    axes.set_ylabel("speed, minner in the same precision = 1")
    limit = ", limited to AVX2" if race["settings"].get("avx2") else ""
    axes.set_title(
        f"{race['machine']['cpu']}{limit}, {race['settings']['threads']} threads, "
        f"{race['machine']['date']}",
        fontsize=10,
    )
    figure.legend(loc="outside lower center", ncols=min(len(engines), 5), fontsize=8)
    plt.rcParams["svg.hashsalt"] = "minner"  # the same race gives the same file
    figure.savefig(path, dpi=150, metadata={"Date": None} if path.endswith(".svg") else None)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        draw(json.load(file), sys.argv[2])
