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
from typing import Any, NamedTuple

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


class Step(NamedTuple):
    """What a step reached: GFLOP/s, and which share of the peak; medians over the rounds."""

    number: int
    name: str
    rate: float
    share: float


def steps(found: Found) -> list[Step]:
    """All steps that were measured."""
    work, peaks = 2e-9 * float(np.prod(list(found["sizes"].values()))), np.array(found["peak"])
    reached = []
    for name, seconds in found["seconds"].items():
        rates = work / np.array(seconds)
        rate, share = float(np.median(rates)), float(np.median(rates / peaks))
        reached.append(Step(int(name[4:6]), name[7:].replace("_", " "), rate, share))
    return reached


def climb(found: Found) -> str:
    """The steps that the peak of a core in float32 is the limit of, and that peak."""
    rows = [
        (f"{step.number} {step.name}", step.share, f"{step.rate:.0f}, {step.share:.0%}")
        for step in steps(found)
        if step.number in WITHIN_THE_PEAK
    ]
    rows.append(("the peak of a core", 1.0, f"{median(found['peak']):.0f}"))
    return bars(f"GFLOP/s, float32, one core: {processor(found)}", rows, 1, 1)


def beyond(found: Found) -> str:
    """The other steps, which have more cores or smaller numbers, beside the eighth."""
    cores = {9: found["machine"]["cores"]}
    rows = [
        (
            f"{step.number} {step.name}, cores: {cores.get(step.number, 1)}",
            step.share,
            f"{step.rate:.0f}, {step.share:.1f} peaks",
        )
        for step in steps(found)
        if step.number == 8 or step.number not in WITHIN_THE_PEAK
    ]
    return bars(f"GFLOP/s: {processor(found)}", rows, max(share for _, share, _ in rows), 1)


def processor(found: Found) -> str:
    """As the system names it, and as LLVM does."""
    return f"{found['machine']['cpu']} ({found['machine']['target']})"


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
    title = f"GFLOP/s, {found['model']['precision']}, one core: {processor(found)}"
    plot = Plot((left, right), (floor, top), title, "operations for each byte of weights", True)
    knee = min(max(peak / read, left), right)
    plot.curve([(left, min(left * read, peak)), (knee, min(knee * read, peak))], RED)
    plot.curve([(knee, peak), (right, peak)], RED)
    plot.label(right, peak * 1.1, f"peak {peak:.0f}", RED, "end")
    plot.label(knee, floor * 2, f"the slope: {read:.0f} GB/s from memory", RED)
    plot.curve(points, GREY, dashed=True)
    plot.dots(points)
    for entry, (x, y) in zip(entries, points, strict=True):
        plot.label(x, y / 1.35, str(entry["tokens"]), BLUE, "middle")
    marks = [2.0**power for power in range(int(np.log2(left)), int(np.log2(right)) + 1, 2)]
    ends = range(int(np.log2(floor)), int(np.log2(top)) + 1)
    return plot.svg(marks, [2.0**power for power in ends], lambda mark: f"{mark:g}")


if __name__ == "__main__":
    sys.exit(main())
