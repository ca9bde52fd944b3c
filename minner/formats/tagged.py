"""Texts side by side with their entities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import tee

from minner.entity import Entity
from minner.tagger import Tagger


def tagged(ner: Tagger, texts: Iterable[str]) -> Iterator[tuple[str, Iterator[Entity]]]:
    """Each text of a stream and its entities, one by one, in bounded memory."""
    texts, ours = tee(texts)
    return zip(ours, ner.stream(texts), strict=True)
