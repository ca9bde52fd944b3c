"""All that is known of one text after the model has read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minner.entity import Entity
from minner.text.windows import Window
from minner.text.wordpieces import Wordpieces
from minner.text.words import Span


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A text, its words, what the model says of each, and how it was read.

    Offsets are in code points with exclusive ends, as in an `Entity`, unless `minner.load` was
    told otherwise.

    Attributes:
        text: the text; of a list of words, the words joined by spaces.
        words: start and end of each of the W words.
        tags: W tags, one of `labels` each, or `O`.
        scores: float32 `[W]`, the probability of each word's tag.
        entities: what calling the model with the text gives.
        labels: the C labels by class index.
        probabilities: float32 `[W, C]`, of every label for every word. A word without wordpieces
            (white space, or marks the model never saw) is `O` for sure; a word that was cut off has
            only zeros, as its score is.
        wordpieces: the wordpieces that the model saw, without special tokens.
        windows: the runs of wordpieces it saw at once, and which part of each was used.
        cut: how many wordpieces at the end it did not see: 0, unless `on_long="truncate"`.
    """

    text: str
    words: list[Span]
    tags: list[str]
    scores: NDArray[np.float32]
    entities: list[Entity]
    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    wordpieces: Wordpieces
    windows: list[Window]
    cut: int
