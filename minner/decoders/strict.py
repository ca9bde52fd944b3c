"""Strict decoders: what is not a well-formed chunk is dropped.

They equal seqeval's strict mode (1.2.2) with the schemes IOB2, and IOBES or BILOU. A prefix that
does not belong to the scheme, which seqeval refuses, stands outside here.
"""

from __future__ import annotations

from collections.abc import Sequence

from minner.chunks import Chunk, split_tag

_IOBES_NAME = {"L": "E", "U": "S"}
"""BILOU's names of two prefixes -> their names in IOBES."""


def iob2_chunks(tags: Sequence[str]) -> list[Chunk]:
    """Find the chunks of one sentence that IOB2 allows: ``B-``, then any ``I-`` of its label.

    An ``I-`` that continues nothing is dropped, and so is every ``I-`` after it.
    """
    chunks: list[Chunk] = []
    open_label = None
    for word, tag in enumerate(tags):
        prefix, label = split_tag(tag)
        if prefix == "B":
            chunks.append(Chunk(label, word, word))
            open_label = label
        elif prefix == "I" and label == open_label:
            chunks[-1] = Chunk(label, chunks[-1].first, word)
        else:
            open_label = None
    return chunks


def iobes_chunks(tags: Sequence[str]) -> list[Chunk]:
    """Find the chunks of one sentence that IOBES allows: ``S-``, or ``B-``, any ``I-`` and ``E-``.

    All of one chunk has one label; a chunk that is opened and not ended is dropped. ``L-`` and
    ``U-``, their names in BILOU, stand for ``E-`` and ``S-``.
    """
    chunks: list[Chunk] = []
    first, open_label = 0, None
    for word, tag in enumerate(tags):
        prefix, label = split_tag(tag)
        prefix = _IOBES_NAME.get(prefix, prefix)
        if prefix == "S":
            chunks.append(Chunk(label, word, word))
        if prefix == "E" and label == open_label:
            chunks.append(Chunk(label, first, word))
        if prefix == "B":
            first, open_label = word, label
        elif prefix != "I" or label != open_label:
            open_label = None
    return chunks
