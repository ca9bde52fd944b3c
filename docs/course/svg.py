"""Small pictures as SVG: a grid of shaded cells, rows of boxes, a curve with points.

All are dark on white, so that they can be read on light and on dark pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

CHARACTER = 7.3
"""The width of one, in pixels."""


def grid(
    values: NDArray[np.floating], rows: Sequence[str], columns: Sequence[str], numbers: bool = False
) -> str:
    """Cells `[R, C]`: blue above zero, red below, the darker the larger; or with their numbers."""
    left = 12 + CHARACTER * max(map(len, rows))
    longest = max(map(len, columns))
    wide = 16 + CHARACTER * longest if numbers else 18
    top = 26 if numbers else 16 + CHARACTER * longest
    largest = float(np.abs(values).max())
    parts = []
    for c, name in enumerate(columns):
        x = left + wide * (c + 0.5)
        if numbers:
            parts.append(text(x, top - 8, name, "middle"))
        else:
            parts.append(text(x + 4, top - 6, name, turned=True))
    for r, name in enumerate(rows):
        y = top + 18 * r
        parts.append(text(left - 6, y + 13, name, "end"))
        for c in range(len(columns)):
            value = float(values[r, c])
            shade = abs(value) / largest * (0.5 if numbers else 1)
            colour = "#1f4e9c" if value >= 0 else "#b3261e"
            parts.append(
                f'<rect x="{left + wide * c:.1f}" y="{y}" width="{wide - 1:.1f}" height="17" '
                f'fill="{colour}" fill-opacity="{shade:.2f}"/>'
            )
            if numbers:
                parts.append(text(left + wide * (c + 0.5), y + 13, f"{value:.2f}", "middle"))
    return picture(left + wide * len(columns) + 12, top + 18 * len(rows) + 10, parts)


def boxes(rows: Sequence[Sequence[str]], names: Sequence[str]) -> str:
    """A row of boxes for each list of texts."""
    parts, width = [], 0.0
    left = 20 + CHARACTER * max(map(len, names))
    for r, (row, name) in enumerate(zip(rows, names, strict=True)):
        x, y = left, 12 + 40 * r
        parts.append(text(10, y + 19, name))
        for content in row:
            wide = 14 + CHARACTER * len(content)
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="28" rx="4" '
                f'fill="#e3ebf8" stroke="#1f4e9c"/>'
            )
            parts.append(text(x + wide / 2, y + 19, content, "middle"))
            x += wide + 6
        width = max(width, x)
    return picture(width + 6, 12 + 40 * len(rows), parts)


def curve(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    points_x: NDArray[np.floating],
    points_y: NDArray[np.floating],
) -> str:
    """A curve from -4 to 4, and points on or beside it."""

    def across(value: float) -> str:
        return f"{260 + 60 * value:.1f}"

    def down(value: float) -> str:
        return f"{260 - 60 * value:.1f}"

    line = " ".join(f"{across(a)},{down(b)}" for a, b in zip(x, y, strict=True))
    parts = [
        f'<path d="M20 {down(0)}H500M{across(0)} 10V290" stroke="#999"/>',
        f'<polyline points="{line}" fill="none" stroke="#1f4e9c" stroke-width="2"/>',
        *(text(260 + 60 * value, 276, str(value), "middle") for value in (-4, -2, 2, 4)),
        *(text(254, 264 - 60 * value, str(value), "end") for value in (1, 2, 3, 4)),
    ]
    parts += [
        f'<circle cx="{across(a)}" cy="{down(b)}" r="3" fill="#b3261e" fill-opacity="0.5"/>'
        for a, b in zip(points_x, points_y, strict=True)
        if abs(a) <= 4
    ]
    return picture(520, 300, parts)


def text(
    x: float,
    y: float,
    words: str,
    anchor: str = "start",
    turned: bool = False,
    colour: str = "#000",
) -> str:
    """Words at a place; `anchor` says which part of them stands there."""
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    fill = "" if colour == "#000" else f' fill="{colour}"'
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f"<text {place}{fill}{turn}>{escape(words)}</text>"


def picture(width: float, height: float, parts: Sequence[str]) -> str:
    """A whole picture of its parts, on white."""
    inside = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="monospace" font-size="12">\n'
        f'<rect width="100%" height="100%" rx="6" fill="#fff"/>\n{inside}\n</svg>\n'
    )
