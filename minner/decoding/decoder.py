"""What a decoder is. Each is a file in `minner/decoders/`, which finds them there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.decoding.chunks import Chunk, conlleval_chunks
from minner.decoding.schemes import scheme_of_labels
from minner.errors import MinnerError

Floats = NDArray[np.float32]
Classes = NDArray[np.intp]
ChoosePath = Callable[[Floats], Classes]
"""From the probabilities `[w, C]` of the words of a document to a class for each, int `[w]`."""


def best_of_each(probabilities: Floats) -> Classes:
    """The most probable class of each word, whatever its neighbours are."""
    best: Classes = probabilities.argmax(axis=1)
    return best


class Decoder(NamedTuple):
    """A rule by which the probabilities of words become tags, and tags become chunks.

    Attributes:
        chunks: from one tag per word to chunks, none of which goes on over an `O` or a `B-`: long
            texts are cut there.
        path_for: from a model's C labels to the rule that chooses a class for each word. It raises
            MinnerError where the labels do not fit.
        schemes: those of the labels it can be used with; all there are where it is None.
        writes: the scheme of the tags, where the labels do not tell it.
    """

    chunks: Callable[[Sequence[str]], list[Chunk]] = conlleval_chunks
    path_for: Callable[[Sequence[str]], ChoosePath] = lambda labels: best_of_each
    schemes: tuple[str, ...] | None = None
    writes: str | None = None

    def __call__(self, tags: Sequence[str]) -> list[Chunk]:
        """The chunks of one document's tags."""
        return self.chunks(tags)

    @property
    def shows_in_tags(self) -> bool:
        """Whether its tags say it all: conlleval's rule finds the same chunks in them."""
        return self.chunks is conlleval_chunks

    def scheme(self, labels: Sequence[str]) -> str | None:
        """The scheme of the tags that it gives with a model's labels; None: none that we know."""
        return self.writes or scheme_of_labels(labels)

    def fitted(self, name: str, labels: Sequence[str]) -> ChoosePath:
        """The rule that chooses classes for a model with these labels.

        Args:
            name: of the decoder, for the message.
            labels: C label strings.

        Raises:
            MinnerError: the decoder cannot be used with such labels.
        """
        if self.schemes is not None and scheme_of_labels(labels) not in self.schemes:
            raise MinnerError(
                f"decoder {name!r} reads {', '.join(self.schemes)} tags only, but the "
                f"labels are {', '.join(labels)}; choose another, such as 'conlleval'"
            )
        return self.path_for(labels)
