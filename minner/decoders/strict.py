"""Strict decoders: what is not a well-formed chunk is dropped.

They equal seqeval's strict mode (1.2.2), but for IOE1, which seqeval marks as unfinished. A prefix
that does not belong to the scheme, which seqeval refuses, stands outside here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from minner.decoding.chunks import OUTSIDE, PREFIXES, Chunk, split_tag
from minner.decoding.decoder import Decoder

_IOBES = r"B(-I)*-(E|L)|S|U"

_PATTERNS = {
    "IOB1": r"I(-I)*|(?<=-)B((-I)+|(?!\|B))",
    "IOB2": r"B(-I)*",
    "IOE1": r"(I-)*E(?=-)|I(-I)*(?!-I|-E)",
    "IOE2": r"(I-)*E",
    "IOBES": _IOBES,
    "BILOU": _IOBES,
}
"""Scheme -> what a chunk looks like in `_spelled` tags.

IOB1 writes ``B`` only after a word of the same label; that a lone such ``B`` does not count either
before a ``B`` of another label (the last group) is seqeval's reading of what follows an ill-formed
tag.
"""


def strict_chunks(tags: Sequence[str], scheme: str) -> list[Chunk]:
    """Find the chunks of one sentence that a scheme allows.

    Args:
        tags: such as ``B-PER``.
        scheme: one of `SCHEMES`, but not IO, which allows everything. IOBES and BILOU are read
            alike, by either's prefixes.
    """
    pattern = _PATTERNS[scheme]
    known = PREFIXES.intersection(pattern)  # the letters in it
    split = [tag if tag[0] in known else OUTSIDE for tag in map(split_tag, tags)]
    return [
        Chunk(split[match.start() // 2][1], match.start() // 2, match.end() // 2 - 1)
        for match in re.finditer(pattern, _spelled(split))
    ]


def _spelled(split: Sequence[tuple[str, str]]) -> str:
    """Spell a sentence in two letters a word: the join to the word before, and the prefix.

    The join is ``-`` where both words have the same label and neither is outside, else ``|``:
    ``B-PER I-PER I-LOC O`` is ``|B-I|I|O``.
    """
    spelled, before = [], OUTSIDE
    for here in split:
        joined = here != OUTSIDE != before and here[1] == before[1]
        spelled.append(("-" if joined else "|") + here[0])
        before = here
    return "".join(spelled)


_READS = {"IOB2": ("IOB2",), "IOBES": ("IOBES", "BILOU"), "BILOU": ("IOBES", "BILOU")}
"""Scheme -> the schemes of the labels that are read so."""

DECODERS = {
    scheme.lower(): Decoder(partial(strict_chunks, scheme=scheme), schemes=read)
    for scheme, read in _READS.items()
}
