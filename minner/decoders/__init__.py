"""Decoders: the rules by which one tag per word becomes chunks.

They agree on well-formed tags and differ on what a model should not write, but does: an ``I-``
after ``O``, or after another label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from minner.chunks import Chunk, conlleval_chunks
from minner.decoders.ner_converter import ner_converter_chunks
from minner.decoders.strict import strict_chunks
from minner.schemes import SCHEMES, scheme_of_labels

Decoder = Callable[[Sequence[str]], list[Chunk]]

DECODERS: dict[str, Decoder] = {
    "conlleval": conlleval_chunks,
    "iob2": partial(strict_chunks, scheme="IOB2"),
    "iobes": partial(strict_chunks, scheme="IOBES"),
    "bilou": partial(strict_chunks, scheme="BILOU"),
    "sparknlp": ner_converter_chunks,
    "viterbi": conlleval_chunks,
    "viterbi-iob1": conlleval_chunks,
}
"""Decoders by the name that `minner.load` takes."""

VITERBI = ("viterbi", "viterbi-iob1")
"""Those for which `minner.decoders.viterbi` chooses the tags, which every rule then reads alike."""

STRICT = ("iob2", "iobes", "bilou")
"""Those that drop tags."""

SCHEMES_READ = {
    "iob2": ("IOB2",),
    "iobes": ("IOBES", "BILOU"),
    "bilou": ("IOBES", "BILOU"),
    "viterbi": tuple(SCHEMES),
    # Their labels cannot tell IOB1 from IOB2, so a user whose model writes IOB1 has to say so.
    "viterbi-iob1": ("IO", "IOB1", "IOB2"),
}
"""Decoder -> the schemes of labels it can be used with, where it is not all there are."""


def scheme_written(decoder: str, labels: Sequence[str]) -> str | None:
    """The scheme of the tags that a model with these labels writes; None: none that we know."""
    return "IOB1" if decoder == "viterbi-iob1" else scheme_of_labels(labels)
