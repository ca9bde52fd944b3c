"""Draw what was measured: the climb of the ladder, and rooflines, a picture for each machine.

    python docs/course/ladder/bench.py --output docs/course/measured/ladder-zen5.json
    minner bench --threads 1 --format json > docs/course/measured/roofline-float32-zen5.json
    python docs/course/draw_measured.py

A file's name begins with what it holds, and ends with the machine.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from plots import BLUE, GREY, RED, Plot, bars

MEASURED = Path(__file__).with_name("measured")

Found = dict[str, Any]

WITHIN_THE_PEAK = (*range(1, 9), 13)
"""The steps that one core runs in float32."""


def main() -> None:
    """Write all pictures."""
    for name, drawn in pictures().items():
        (MEASURED / f"{name}.svg").write_text(drawn, encoding="utf-8")


def pictures() -> dict[str, str]:
    """Name -> SVG."""
    drawn = {}
    for file in sorted(MEASURED.glob("*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        if file.stem.startswith("ladder-"):
            drawn[file.stem] = climb(found)
            drawn[file.stem.replace("ladder", "beyond")] = beyond(found)
        else:
            drawn[file.stem] = roofline(found)
    return drawn


# ---- the ladder ---------------------------------------------------------------------------------


def rates(found: Found) -> dict[int, tuple[str, float]]:
    """The name of each step and its GFLOP/s, by its number."""
    work = 2e-9 * float(np.prod(list(found["sizes"].values())))
    return {
        int(step[4:6]): (step[7:].replace("_", " "), work / median(seconds))
        for step, seconds in found["seconds"].items()
    }


def climb(found: Found) -> str:
    """GFLOP/s of the steps that the peak of a core in float32 is the limit of, and that peak."""
    peak = median(found["peak"])
    rows = [
        (f"{number} {name}", rate, f"{rate:.0f}, {rate / peak:.0%}")
        for number, (name, rate) in rates(found).items()
        if number in WITHIN_THE_PEAK
    ]
    rows.append(("the peak of a core", peak, f"{peak:.0f}"))
    return bars(f"GFLOP/s, float32, one core: {found['machine']['cpu']}", rows, peak, peak)


def beyond(found: Found) -> str:
    """The other steps, which have more cores or smaller numbers, beside the eighth."""
    peak = median(found["peak"])
    rows = [
        (f"{number} {name}", rate, f"{rate:.0f}, {rate / peak:.1f} x peak")
        for number, (name, rate) in rates(found).items()
        if number == 8 or number not in WITHIN_THE_PEAK
    ]
    most = max(rate for _, rate, _ in rows)
    title = f"GFLOP/s; threads: {found['machine']['cores']}, the others one"
    return bars(title, rows, most, peak)


# ---- rooflines ----------------------------------------------------------------------------------


def roofline(found: Found) -> str:
    """What a core reached with texts of some lengths, under the limits of core and memory."""
    entries = [entry for entry in found["logits"] if entry["threads"] == 1]
    peak = median(entry["peak_gflop_per_s"] for entry in entries)
    read = median(entry["read_gb_per_s"] for entry in entries)
    size = found["model"]["matrix_bytes"] / 1e9
    points = [(entry["gflop"] / size, entry["gflop_per_s"]) for entry in entries]
    left, right = 2.0 ** np.floor(np.log2(points[0][0])), 2.0 ** np.ceil(np.log2(points[-1][0]))
    floor = 2.0 ** np.floor(np.log2(min(rate for _, rate in points) / 2))
    top = 2.0 ** np.ceil(np.log2(peak * 1.5))
    title = f"GFLOP/s, {found['model']['precision']}, one core: {found['machine']['cpu']}"
    plot = Plot((left, right), (floor, top), title, "operations for each byte of weights", True)
    knee = min(max(peak / read, left), right)
    plot.curve([(left, min(left * read, peak)), (knee, min(knee * read, peak))], RED)
    plot.curve([(knee, peak), (right, peak)], RED)
    plot.label(right, peak * 1.1, f"peak {peak:.0f}", RED, "end")
    plot.label(left * 1.1, left * read * 1.5, f"memory, {read:.0f} GB/s", RED)
    plot.curve(points, GREY, dashed=True)
    plot.dots(points)
    for entry, (x, y) in zip(entries, points, strict=True):
        plot.label(x, y / 1.35, str(entry["tokens"]), BLUE, "middle")
    marks = [2.0**power for power in range(int(np.log2(left)), int(np.log2(right)) + 1, 2)]
    ends = range(int(np.log2(floor)), int(np.log2(top)) + 1)
    return plot.svg(marks, [2.0**power for power in ends], lambda mark: f"{mark:g}")


if __name__ == "__main__":
    sys.exit(main())
