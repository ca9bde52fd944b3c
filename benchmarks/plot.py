"""Draw a race, or a map of batch sizes and lengths.

python -m benchmarks.plot race.json race.svg

A race shows how fast every engine is, relative to minner in its precision, for every shape; a map,
the tokens a second of every length over the tokens of a batch.
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

from minner.bench.batching import rates, throughput_bound_from
from minner.bench.timing import ratios


def draw(run: dict[str, Any], path: str) -> None:
    """Draw what a benchmark kept to a file; the same run gives the same file."""
    figure, axes = plt.subplots(figsize=(11, 4.5), layout="constrained")
    (draw_map if run["benchmark"] == "batching" else draw_race)(run, axes)
    limit = ", limited to AVX2" if run["settings"].get("avx2") else ""
    axes.set_title(
        f"{run['machine']['cpu']}{limit}, {run['settings']['threads']} threads, "
        f"{run['machine']['date']}",
        fontsize=10,
    )
    handles = axes.get_legend_handles_labels()[0]
    figure.legend(loc="outside lower center", ncols=min(len(handles), 6), fontsize=8)
    plt.rcParams["svg.hashsalt"] = "minner"
    figure.savefig(path, dpi=150, metadata={"Date": None} if path.endswith(".svg") else None)
    plt.close(figure)


def draw_map(run: dict[str, Any], axes: Any) -> None:
    """Draw a line per length; a dot stands where batches begin to be bound by throughput."""
    for tokens, row in rates(run["measurements"]["logits"]).items():
        sizes, thousands = [batch * tokens for batch in row], [r / 1e3 for r in row.values()]
        (line,) = axes.plot(sizes, thousands, label=f"sequences of {tokens}", linewidth=1.2)
        first = throughput_bound_from(row)
        axes.plot(first * tokens, row[first] / 1e3, "o", color=line.get_color())
    axes.set_xscale("log", base=2)
    axes.set_xlabel("tokens in a batch; dot: from here on bound by throughput")
    axes.set_ylabel("thousands of tokens a second")


def draw_race(race: dict[str, Any], axes: Any) -> None:
    """Draw one group of bars per shape; a whisker spans the 10th to 90th percentile of rounds."""
    shapes = race["measurements"]["seconds"]
    engines = list(next(iter(shapes.values())))
    places, width = np.arange(len(shapes)), 0.85 / len(engines)
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


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        draw(json.load(file), sys.argv[2])
