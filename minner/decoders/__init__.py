"""Decoders: the rules by which one tag per word becomes chunks.

They agree on well-formed tags and differ on what a model should not write, but does: an ``I-``
after ``O``, or after another label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minner.chunks import Chunk, conlleval_chunks
from minner.decoders.ner_converter import ner_converter_chunks
from minner.decoders.strict import iob2_chunks, iobes_chunks
from minner.schemes import SCHEMES

Decoder = Callable[[Sequence[str]], list[Chunk]]

DECODERS: dict[str, Decoder] = {
    "conlleval": conlleval_chunks,
    "iob2": iob2_chunks,
    "iobes": iobes_chunks,
    "bilou": iobes_chunks,
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
    "iob2": ("iob2",),
    "iobes": ("iobes",),
    "bilou": ("iobes",),
    "viterbi": SCHEMES,
    # Their labels cannot tell IOB1 from IOB2, so a user whose model writes IOB1 has to say so.
    "viterbi-iob1": ("io", "iob1", "iob2"),
}
"""Decoder -> the schemes of labels it can be used with, where it is not all there are."""
