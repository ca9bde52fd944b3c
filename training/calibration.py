"""Does a score mean what it says? Expected calibration error, a reliability plot, a temperature.

Of the entities with scores around 0.8, four in five should be right. Their distance from that,
averaged over ten ranges of scores and weighted by how many entities lie in each, is the expected
calibration error (Naeini, Cooper and Hauskrecht, 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minner.decoding.chunks import conlleval_chunks

RANGES = 10


@dataclass
class Tagged:
    """A sentence: its gold tags, the guessed ones, and the log-probabilities `[words, labels]`."""

    gold: list[str]
    guess: list[str]
    logs: NDArray[np.float32]


@dataclass
class Range:
    """The entities whose scores lie in one range: how many, their mean score, the share right."""

    count: int
    score: float
    right: float


def scores_of(sentences: Sequence[Tagged], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return for each entity found its score, at a temperature, and 1 or 0 for right or wrong.

    The score is `Entity.score`'s: the mean over its words of the probability of the word's tag.
    """
    rows = []
    for sentence in sentences:
        logs = sentence.logs / temperature
        best = logs.max(axis=1) - np.logaddexp.reduce(logs, axis=1)
        gold = set(conlleval_chunks(sentence.gold))
        for chunk in conlleval_chunks(sentence.guess):
            score = np.exp(best[chunk.first : chunk.last + 1]).mean()
            rows.append((score, float(chunk in gold)))
    return np.array(rows).reshape(-1, 2)


def ranges(scores: NDArray[np.float64]) -> list[Range | None]:
    """Sort entities into `RANGES` equal ranges of scores; None where a range is empty."""
    place = np.minimum((scores[:, 0] * RANGES).astype(int), RANGES - 1)
    found: list[Range | None] = []
    for number in range(RANGES):
        ours = scores[place == number]
        found.append(Range(len(ours), *ours.mean(axis=0).tolist()) if len(ours) else None)
    return found


def calibration_error(scores: NDArray[np.float64]) -> float:
    """Return the expected calibration error, from 0 to 1."""
    filled = [part for part in ranges(scores) if part]
    total = sum(part.count for part in filled)
    return sum(part.count * abs(part.score - part.right) for part in filled) / max(1, total)


def log_loss(scores: NDArray[np.float64]) -> float:
    """Return the mean of minus the log of the probability that the scores gave to what is true."""
    chance = np.clip(np.where(scores[:, 1] > 0, scores[:, 0], 1 - scores[:, 0]), 1e-6, 1)
    return float(-np.log(chance).mean())


def fit_temperature(sentences: Sequence[Tagged]) -> float:
    """Return the temperature, to 0.01, that makes the log loss of the entities least."""
    steps = np.arange(0.5, 4.0, 0.01)
    losses = [log_loss(scores_of(sentences, step)) for step in steps]
    return float(steps[int(np.argmin(losses))])


def reliability_plot(curves: dict[str, NDArray[np.float64]], size: int = 360) -> str:
    """Draw scores against the share that is right, a line for each set, as SVG."""
    colours = ("#1b6ca8", "#c8553d", "#4c956c", "#7d5ba6")
    edge = 48
    side = size - 2 * edge

    def at(x: float, y: float) -> str:
        return f"{edge + side * x:.1f},{edge + side * (1 - y):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" font-size="11" '
        'font-family="sans-serif">',
        f'<rect width="{size}" height="{size}" fill="white"/>',
        f'<polyline points="{at(0, 1)} {at(0, 0)} {at(1, 0)}" fill="none" stroke="#444"/>',
        f'<polyline points="{at(0, 0)} {at(1, 1)}" stroke="#bbb" stroke-dasharray="4"/>',
        f'<text x="{size / 2}" y="{size - 12}" text-anchor="middle">score</text>',
        f'<text x="14" y="{size / 2}" text-anchor="middle" '
        f'transform="rotate(-90 14 {size / 2})">share that is right</text>',
    ]
    for tick in (0.0, 0.5, 1.0):
        x, y = edge + side * tick, edge + side * (1 - tick)
        parts.append(f'<text x="{x}" y="{size - 32}" text-anchor="middle">{tick}</text>')
        parts.append(f'<text x="{edge - 6}" y="{y + 4}" text-anchor="end">{tick}</text>')
    for number, (name, scores) in enumerate(curves.items()):
        colour = colours[number % len(colours)]
        filled = [part for part in ranges(scores) if part and part.count >= 5]
        points = " ".join(at(part.score, part.right) for part in filled)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        y = edge + 14 * number
        parts.append(f'<text x="{edge + 10}" y="{y}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])
