"""A trace: every intermediate of one run by name, and the entities it leads to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minner.entity import Entity
from minner.errors import MinnerError
from minner.explain.subject import RUNNERS, Subject
from minner.explain.without import parse_without
from minner.options import unknown


class Trace(dict[str, NDArray[Any]]):
    """Arrays by name, in the order of computation.

    Attributes:
        entities: those that this run leads to.
        lost: entities of the run that leaves nothing out, and not of this one.
        gained: entities of this run, and not of the one that leaves nothing out.
    """

    entities: list[Entity]
    lost: list[Entity]
    gained: list[Entity]

    def __missing__(self, name: Any) -> NDArray[Any]:
        """Raise a MinnerError that says which names there are."""
        raise unknown(name, self, "array")


def trace(
    subject: Subject, *, without: Iterable[str] = (), by: str = "kernels", whole: bool = False
) -> Trace:
    """Run a subject's window and keep all that is computed; see `Tagger.trace`.

    Args:
        subject: what to run.
        without: names of parts to leave out.
        by: a key of RUNNERS.
        whole: whether the window must be all of the text.
    """
    if by not in RUNNERS:
        raise MinnerError(f"by must be one of {', '.join(RUNNERS)}, not {by!r}")
    count, length = len(subject.document.windows), len(subject.document.wordpieces.ids)
    if whole and count > 1:
        raise MinnerError(
            f"the text has {length} wordpieces, which the model reads in {count} windows: choose "
            f"one by window=0 to {count - 1}, or pass a shorter text"
        )
    config = subject.checkpoint.config
    parts = parse_without(without, config.n_layers, config.n_heads, len(subject.document.words))
    run = subject.trace(parts, by)
    found = Trace(ids=run.pop("ids"), wordpieces=np.array(subject.wordpieces), words=subject.words)
    found.update(run)
    document = subject.read(run["classifier"])
    found["probabilities"] = document.probabilities
    before = subject.document.entities
    found.entities = document.entities
    found.lost = [entity for entity in before if _key(entity) not in map(_key, found.entities)]
    found.gained = [entity for entity in found.entities if _key(entity) not in map(_key, before)]
    return found


def _key(entity: Entity) -> tuple[str, int, int]:
    return entity.label, entity.start, entity.end
