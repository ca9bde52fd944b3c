"""The most probable well-formed tags of a sentence, by Viterbi's algorithm.

A softmax tagger scores each word by itself, so its best tags together may be ill-formed: an ``I-``
after ``O``. Of all sequences that the tag scheme allows, this finds the one with the highest
product of probabilities. Nothing is learned: a step is allowed or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.decoding.chunks import OUTSIDE, split_tag
from minner.decoding.decoder import ChoosePath, Decoder
from minner.decoding.schemes import SCHEMES, may_follow, scheme_of_labels
from minner.errors import MinnerError

Booleans = NDArray[np.bool_]
Classes = NDArray[np.intp]


class Transitions(NamedTuple):
    """What a tag scheme allows for C classes.

    Attributes:
        start: bool `[C]`, whether a sentence may begin with the class.
        step: bool `[C, C]`, whether the second class may follow the first.
        end: bool `[C]`, whether a sentence may end with the class.
    """

    start: Booleans
    step: Booleans
    end: Booleans


def transitions(labels: Sequence[str], scheme: str) -> Transitions:
    """The transitions between a model's C classes, by index, in one of `SCHEMES`."""
    tags = [split_tag(label) for label in labels]
    return Transitions(
        start=np.array([may_follow(scheme, OUTSIDE, tag) for tag in tags]),
        step=np.array([[may_follow(scheme, before, tag) for tag in tags] for before in tags]),
        end=np.array([may_follow(scheme, tag, OUTSIDE) for tag in tags]),
    )


def allow_any_length(allowed: Transitions) -> bool:
    """Whether some class, such as `O`, may fill a sentence alone: then each has a path."""
    return bool((allowed.start & np.diagonal(allowed.step) & allowed.end).any())


def logarithms(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logarithms that are finite: of zero, far below that of any float32."""
    return np.log(np.maximum(probabilities.astype(np.float64), 1e-300))


def best_path(log_probabilities: NDArray[np.floating], allowed: Transitions) -> Classes:
    """The allowed sequence of classes with the highest sum of log probabilities.

    Args:
        log_probabilities: `[W, C]`, finite.
        allowed: the transitions; some sequence of W classes must be allowed.

    Returns:
        int `[W]`, a class per word.
    """
    best: Classes = log_probabilities.argmax(axis=1)
    if _is_allowed(best, allowed):
        return best  # the best of each word is the best of all, and most sentences end here
    start, step, end = (np.where(part, 0.0, -np.inf) for part in allowed)
    came_from = np.empty(log_probabilities.shape, dtype=np.intp)
    so_far = start + log_probabilities[0]  # [C], of the best path to each class
    for word in range(1, len(best)):
        paths = so_far[:, None] + step
        came_from[word] = paths.argmax(axis=0)
        so_far = paths.max(axis=0) + log_probabilities[word]
    best[-1] = (so_far + end).argmax()
    for word in range(len(best) - 1, 0, -1):
        best[word - 1] = came_from[word, best[word]]
    return best


def _is_allowed(path: Classes, allowed: Transitions) -> bool:
    return not len(path) or bool(
        allowed.start[path[0]] and allowed.step[path[:-1], path[1:]].all() and allowed.end[path[-1]]
    )


def path_for(labels: Sequence[str], scheme: str | None = None) -> ChoosePath:
    """The rule that chooses the best path for a model with these labels.

    Args:
        labels: C label strings.
        scheme: of the tags; what the labels tell where it is None.

    Raises:
        MinnerError: some number of words has no path.
    """
    allowed = transitions(labels, scheme or str(scheme_of_labels(labels)))
    if not allow_any_length(allowed):
        raise MinnerError(
            f"no label may stand alone as O or S- does, so that decoder 'viterbi' has no tag "
            f"for one word: {', '.join(labels)}"
        )
    return lambda probabilities: best_path(logarithms(probabilities), allowed)


DECODERS = {
    "viterbi": Decoder(path_for=path_for, schemes=tuple(SCHEMES)),
    # Labels cannot tell IOB1 from IOB2, so a user whose model writes IOB1 has to say so.
    "viterbi-iob1": Decoder(
        path_for=partial(path_for, scheme="IOB1"), schemes=("IO", "IOB1", "IOB2"), writes="IOB1"
    ),
}
