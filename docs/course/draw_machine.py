"""Draw the pictures of part two: `python docs/course/draw_machine.py`.

The tests draw them again and compare. Those of what was measured are drawn by `draw_measured.py`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from math import factorial, log
from pathlib import Path
from typing import Any

import machine_answers as answers
import numpy as np
from numba import njit
from plots import BLUE, RED, Plot
from svg import boxes, grid, picture, text

import minner
from minner import reference
from minner.kernels import elementary
from minner.kernels.vector.control import loop
from minner.kernels.vector.staged import staged
from minner.kernels.vector.target import LANES
from minner.weights.checkpoint import read_checkpoint

HERE = Path(__file__).parent
PICTURES = HERE / "machine" / "pictures"
TEXT = "Anna Kowalczyk met Paris Hilton in Paris."


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    for name, drawn in pictures().items():
        (PICTURES / f"{name}.svg").write_text(drawn, encoding="utf-8")


def pictures() -> dict[str, str]:
    """Name -> SVG."""
    return {
        "packed": packed([6, 13, 9, 19]),
        "fit": fit(),
        "exp": exp_error(),
        "erf": erf_error(),
        "quantisation": quantisation(),
        "team": team(11, 3),
        "loading": loading(48, 4096),
    }


# ---- attention without padding ------------------------------------------------------------------


def packed(lengths: list[int]) -> str:
    """Texts in a rectangle, and in one row."""
    size, parts = 12, []
    most = max(lengths)

    def cell(column: int, y: float, colour: str) -> str:
        x = 12 + size * column
        return f'<rect x="{x}" y="{y:.0f}" width="11" height="14" rx="2" {colour}/>'

    full, empty = f'fill="{BLUE}" fill-opacity="0.7"', 'fill="#fff" stroke="#bbb"'
    for row, length in enumerate(lengths):
        y = 30 + 20 * row
        parts += [cell(c, y, full if c < length else empty) for c in range(most)]
    parts.append(text(12, 20, "padded to the longest"))
    y = 30 + 20 * len(lengths) + 40
    parts.append(text(12, y - 10, "one after the other"))
    parts += [cell(column, y, full) for column in range(sum(lengths))]
    bounds = [0, *np.cumsum(lengths).tolist()]
    for bound in bounds:
        x = 11.5 + size * bound
        parts.append(f'<path d="M{x} {y - 4}V{y + 20}" stroke="{RED}" stroke-width="2"/>')
        parts.append(text(x, y + 34, str(bound), "middle"))
    return picture(24 + size * sum(lengths), y + 46, parts)


# ---- polynomials --------------------------------------------------------------------------------


def fit() -> str:
    """The relative error of two polynomials of degree 3 for `exp`."""
    half = log(2) / 2
    r = np.linspace(-half, half, 121)
    taylor = [1 / factorial(power) for power in (3, 2, 1, 0)]
    plot = Plot((-0.36, 0.36), (-8e-4, 8e-4), "relative error, degree 3", "r")
    for coefficients, colour in ((taylor, RED), (elementary.EXP_SHORT, BLUE)):
        error = np.polyval(coefficients, r) / np.exp(r) - 1
        plot.curve(zip(r, error, strict=True), colour)
    plot.label(-0.26, -4.5e-4, "Taylor", RED)
    plot.label(0.02, 1.6e-4, "fitted", BLUE)
    return plot.svg((-0.3, 0.0, 0.3), (-6e-4, -3e-4, 0.0, 3e-4, 6e-4), lambda mark: f"{mark:g}")


def on_arrays(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make a function of the staged language callable on float32 arrays of whole vectors."""

    @staged
    def kernel(x: Any, out: Any) -> None:
        for at in loop(0, x.shape[0], LANES):
            out[at].store(function(x[at].load()))

    @njit
    def run(x: Any, out: Any) -> None:
        kernel(x, out)

    def call(x: Any) -> Any:
        out = np.empty_like(x)
        run(x, out)
        return out

    return call


def exp_error() -> str:
    """How far `exp` is off, in units in the last place."""
    x = np.linspace(-87, 88, 2000, dtype=np.float32)
    exact = np.exp(x.astype(float))
    ulps = (on_arrays(elementary.exp)(x) - exact) / np.spacing(exact.astype(np.float32))
    plot = Plot((-90, 90), (-2, 2), "exp: error in ulps", "x")
    plot.specks(zip(x.tolist(), ulps.tolist(), strict=True))
    return plot.svg((-80, -40, 0, 40, 80), (-2, -1, -0.5, 0, 0.5, 1, 2), lambda mark: f"{mark:g}")


def erf_error() -> str:
    """The error of `erf`."""
    x = np.linspace(-4.5, 4.5, 2000, dtype=np.float32)
    exact = np.vectorize(math.erf)(x.astype(float))
    error = on_arrays(elementary.erf)(x) - exact
    plot = Plot((-4.6, 4.6), (-2e-7, 2e-7), "erf: error", "x")
    plot.specks(zip(x.tolist(), error.tolist(), strict=True))
    return plot.svg((-4, -2, 0, 2, 4), (-2e-7, -1e-7, 0, 1e-7, 2e-7), lambda mark: f"{mark:g}")


# ---- quantisation -------------------------------------------------------------------------------


def quantisation() -> str:
    """The error of lin2 in each layer, per cent: a scale for each row, and one for all."""
    ner = minner.load()
    layers = reference.nested(read_checkpoint(ner.directory).tensors)["transformer"]["layer"]
    trace = ner.trace(TEXT, by="reference")
    rows = []
    for n in range(6):
        x = trace[f"transformer.layer.{n}.ffn.activation"]
        weight = layers[str(n)]["ffn"]["lin2"]["weight"]
        rows.append([100 * error_of_product(x, weight, axis) for axis in (-1, None)])
    names = [f"layer {n}" for n in range(6)]
    return grid(np.array(rows), names, ["by row, %", "one scale, %"], numbers=True)


def error_of_product(x: Any, weight: Any, axis: int | None) -> float:
    """The error of `x weight.T` with both quantised, as a share of its size."""
    exact = x @ weight.T
    parts = (answers.whole_numbers(one, axis) for one in (x, weight))
    x, weight = (whole.astype(np.float32) * scale for whole, scale in parts)
    return float(np.sqrt(((x @ weight.T - exact) ** 2).mean() / (exact**2).mean()))


# ---- team and loading ---------------------------------------------------------------------------


def team(count: int, workers: int) -> str:
    """The queue of each rank; rank 0 is done with its own."""
    shares = answers.share(count, workers)
    rows = [[str(item) for item in range(first, first + size)] for first, size in shares]
    rows[0].append(f"{rows[1].pop()}, of rank 1")
    return boxes(rows, [f"rank {rank}" for rank in range(workers)])


def loading(target: int, address: int) -> str:
    """Bytes of an image as kept and as loaded; in the middle the gap."""
    start, end = "48 b8", "c5 fa 10"
    kept, loaded = (value.to_bytes(8, "little").hex(" ") for value in (target, target + address))
    return boxes([[start, kept, end], [start, loaded, end]], ["kept, at 0", f"at {address}"])


if __name__ == "__main__":
    sys.exit(main())
