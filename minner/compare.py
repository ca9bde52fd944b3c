"""Where two readings of the same texts disagree about entities, and which of them is right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minner.decoding.entities import entities
from minner.document import Document
from minner.entity import Entity
from minner.text.words import Span


class Side(NamedTuple):
    """What one reading says of a place: its entities there, and its tag and score per word."""

    entities: list[Entity]
    tags: list[str]
    scores: list[float]


class Place(NamedTuple):
    """A stretch of a text where A and B have different entities.

    Attributes:
        start: where it begins, in code points.
        end: where it ends, exclusive.
        words: the words in it.
        a: what A says of it.
        b: what B says of it.
        gold: the gold entities that touch it; None without gold tags.
    """

    start: int
    end: int
    words: list[str]
    a: Side
    b: Side
    gold: list[Entity] | None


@dataclass(slots=True)
class Comparison:
    """Counts over all texts compared.

    Attributes:
        texts: how many.
        a: how many entities A found.
        b: how many entities B found.
        same: how many both found.
        places: in how many places they differ.
        largest_score_difference: between an entity of A and the same one of B.
        a_right: in how many of the places A has exactly the gold entities; 0 without gold tags.
        b_right: in how many of the places B has.
    """

    texts: int = 0
    a: int = 0
    b: int = 0
    same: int = 0
    places: int = 0
    largest_score_difference: float = 0.0
    a_right: int = 0
    b_right: int = 0

    def add(self, a: Document, b: Document, gold: Sequence[str] | None = None) -> list[Place]:
        """Count one text, and find the places in it.

        Args:
            a: the text as A reads it, with offsets in code points.
            b: the same text as B reads it.
            gold: its gold tags, one per word.
        """
        of_a, of_b = ({_key(one): one.score for one in side.entities} for side in (a, b))
        same = of_a.keys() & of_b.keys()
        spans = _joined((start, end) for start, end, _ in of_a.keys() ^ of_b.keys())
        golden = None if gold is None else _gold_entities(a, gold)
        places = [_place(a, b, golden, start, end) for start, end in spans]
        self.texts += 1
        self.a += len(of_a)
        self.b += len(of_b)
        self.same += len(same)
        self.places += len(places)
        for one in same:
            difference = abs(of_a[one] - of_b[one])
            self.largest_score_difference = max(self.largest_score_difference, difference)
        self.a_right += sum(_is_right(place.a, place.gold) for place in places)
        self.b_right += sum(_is_right(place.b, place.gold) for place in places)
        return places


def _key(entity: Entity) -> tuple[int, int, str]:
    """What makes two entities of a text the same."""
    return entity.start, entity.end, entity.label


def _gold_entities(document: Document, tags: Sequence[str]) -> list[Entity]:
    certain = np.ones(len(tags), dtype=np.float32)
    return entities(document.text, document.words, tags, certain)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Join the spans that overlap."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _place(a: Document, b: Document, gold: list[Entity] | None, start: int, end: int) -> Place:
    inside = [i for i, word in enumerate(a.words) if start <= word[0] and word[1] <= end]

    def said_by(document: Document) -> Side:
        return Side(
            entities=_touching(document.entities, start, end),
            tags=[document.tags[i] for i in inside],
            scores=document.scores[inside].tolist(),
        )

    return Place(
        start=start,
        end=end,
        words=[a.text[slice(*a.words[i])] for i in inside],
        a=said_by(a),
        b=said_by(b),
        gold=None if gold is None else _touching(gold, start, end),
    )


def _touching(found: list[Entity], start: int, end: int) -> list[Entity]:
    return [entity for entity in found if entity.start < end and start < entity.end]


def _is_right(side: Side, gold: list[Entity] | None) -> bool:
    return gold is not None and [*map(_key, side.entities)] == [*map(_key, gold)]
