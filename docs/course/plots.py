"""Curves and points between two axes, as SVG; dark on white, like the pictures of `svg.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import log2

from svg import picture, text

LEFT, TOP, WIDE, HIGH = 64, 34, 440, 220
BLUE, RED, GREY = "#1f4e9c", "#b3261e", "#666"

Points = Iterable[tuple[float, float]]


@dataclass
class Plot:
    """An empty plot, to be drawn into.

    Attributes:
        x: the ends of the horizontal axis.
        y: those of the vertical one.
        title: above it.
        below: what the horizontal axis shows.
        powers: whether both axes go by powers of two.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    title: str
    below: str
    powers: bool = False
    _parts: list[str] = field(default_factory=list)

    def curve(self, points: Points, colour: str = BLUE, dashed: bool = False) -> None:
        """Join points by a line."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self._place, points))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dash}/>'
        )

    def specks(self, points: Points) -> None:
        """Draw many small points."""
        path = "".join(f"M{x:.0f} {y:.1f}h1" for x, y in map(self._place, points))
        self._parts.append(f'<path d="{path}" stroke="{BLUE}"/>')

    def dots(self, points: Points, colour: str = BLUE, radius: float = 4) -> None:
        """Draw some large points."""
        for x, y in map(self._place, points):
            self._parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>')

    def label(
        self, x: float, y: float, words: str, colour: str = "#000", anchor: str = "start"
    ) -> None:
        """Write words beside a place."""
        across, down = self._place((x, y))
        self._parts.append(text(across, down, words, anchor, colour=colour))

    def svg(
        self, x_marks: Sequence[float], y_marks: Sequence[float], form: Callable[[float], str] = str
    ) -> str:
        """The picture, with numbers at some places of both axes."""
        floor = TOP + HIGH
        axes = [
            f'<path d="M{LEFT} {TOP}V{floor}H{LEFT + WIDE}" stroke="#999" fill="none"/>',
            text(LEFT, 20, self.title),
            text(LEFT + WIDE / 2, floor + 38, self.below, "middle"),
        ]
        for mark in x_marks:
            across, _ = self._place((mark, self.y[0]))
            axes.append(text(across, floor + 18, form(mark), "middle"))
        for mark in y_marks:
            _, down = self._place((self.x[0], mark))
            axes.append(f'<path d="M{LEFT} {down:.1f}H{LEFT + WIDE}" stroke="#ddd"/>')
            axes.append(text(LEFT - 6, down + 4, form(mark), "end"))
        return picture(LEFT + WIDE + 16, floor + 50, [*axes, *self._parts])

    def _place(self, point: tuple[float, float]) -> tuple[float, float]:
        across = self._share(point[0], self.x) * WIDE
        return LEFT + across, TOP + HIGH - self._share(point[1], self.y) * HIGH

    def _share(self, value: float, ends: tuple[float, float]) -> float:
        low, high = map(log2, ends) if self.powers else ends
        return ((log2(value) if self.powers else value) - low) / (high - low)


def bars(title: str, rows: Sequence[tuple[str, float, str]], most: float, line: float = 0) -> str:
    """A bar for each `(name, value, what stands beside it)`; a dashed line at one value."""
    left, wide = 170, 180
    parts = [text(12, 22, title)]
    for number, (name, value, beside) in enumerate(rows):
        y = 38 + 22 * number
        length = wide * value / most
        parts += [
            text(left - 8, y + 13, name, "end"),
            f'<rect x="{left}" y="{y}" width="{length:.1f}" height="17" fill="{BLUE}" '
            f'fill-opacity="0.75"/>',
            text(left + wide + 12, y + 13, beside),
        ]
    bottom = 38 + 22 * len(rows)
    if line:
        at = left + wide * line / most
        parts.append(
            f'<path d="M{at:.1f} 32V{bottom}" stroke="{RED}" stroke-dasharray="5 4" fill="none"/>'
        )
    return picture(left + wide + 124, bottom + 12, parts)
