"""What each word and each head does to each entity, measured: the model runs without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.document import Document
from minner.entity import Entity
from minner.explain.subject import Subject, fate
from minner.explain.without import Without

MOST_TOKENS = 20_000
"""Tokens of all runs of a kind together: more would take longer than a reader waits."""


class Effects(NamedTuple):
    """What the runs gave.

    Attributes:
        arrays: as `explanation` lists them.
        runs: the name of what was left out -> the entities then, where they differ.
    """

    arrays: dict[str, NDArray[Any]]
    runs: dict[str, list[Entity]]


def effects(subject: Subject) -> Effects:
    """Run the window without each word, and without each head."""
    found = Effects({}, {})
    entities, tokens = len(subject.document.entities), len(subject.ids)
    words = np.unique(subject.words[subject.words >= 0])
    if len(words) * tokens <= MOST_TOKENS:
        names = {f"words.{word}": Without(words=frozenset([int(word)])) for word in words}
        changes, fates = _measure(subject, names, found.runs)
        every = entities, len(subject.document.words)
        found.arrays["effects.words"] = np.zeros(every, dtype=np.float32)
        found.arrays["effects.word_fates"] = np.zeros(every, dtype=np.uint8)
        found.arrays["effects.words"][:, words] = changes
        found.arrays["effects.word_fates"][:, words] = fates
    shape = subject.checkpoint.config.n_layers, subject.checkpoint.config.n_heads
    if shape[0] * shape[1] * tokens <= MOST_TOKENS:
        names = {
            f"transformer.layer.{layer}.attention.head.{head}": Without(
                heads=frozenset([(layer, head)])
            )
            for layer, head in np.ndindex(shape)
        }
        changes, fates = _measure(subject, names, found.runs)
        found.arrays["effects.heads"] = changes.reshape(entities, *shape)
        found.arrays["effects.head_fates"] = fates.reshape(entities, *shape)
    return found


def _measure(
    subject: Subject, names: Mapping[str, Without], runs: dict[str, list[Entity]]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The change of each entity's support, and its fate, in each run: `[E, runs]`."""
    before = subject.document
    whole = np.array([*_support(before, before)])
    changes = np.zeros((len(before.entities), len(names)), dtype=np.float32)
    fates = np.zeros(changes.shape, dtype=np.uint8)
    logits = subject.logits([*names.values()])
    for run, (name, rows) in enumerate(zip(names, logits, strict=True)):
        after = subject.read(rows)
        changes[:, run] = np.array([*_support(before, after)]) - whole
        fates[:, run] = [fate(entity, after.entities) for entity in before.entities]
        if fates[:, run].any() or len(after.entities) != len(before.entities):
            runs[name] = after.entities
    return changes, fates


def _support(before: Document, after: Document) -> Iterator[float]:
    """For each entity of `before`, the mean probability that `after` gives to the tags it had."""
    for entity in before.entities:
        words = [
            word
            for word, (start, end) in enumerate(before.words)
            if entity.start <= start and end <= entity.end and before.tags[word] != "O"
        ]
        classes = [before.labels.index(before.tags[word]) for word in words]
        yield float(after.probabilities[words, classes].mean())
