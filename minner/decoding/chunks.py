"""Chunks: from one tag per word to labelled runs of words.

A tag is a prefix, a hyphen and a label: ``B-PER``. It is split at its first hyphen, so the label
of ``B-work-of-art`` is ``work-of-art``. ``O`` stands outside every chunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

# The prefixes of the tag schemes: I and B of IOB1 and IOB2; E (end) and S (single) of IOBES; their
# other names in BILOU, L (last) and U (unit); and conlleval's brackets, which are S.
BRACKETS = frozenset({"[", "]"})
_SINGLE = frozenset({"S", "U"}) | BRACKETS
OPENING = _SINGLE | {"B"}
CLOSING = _SINGLE | {"E", "L"}
PREFIXES = OPENING | CLOSING | {"I"}

OUTSIDE = ("O", "")
"""What `split_tag` makes of every tag that stands outside all chunks."""


class Chunk(NamedTuple):
    """A run of words that share one label; ``last`` is inclusive."""

    label: str
    first: int
    last: int


def conlleval_chunks(tags: Sequence[str]) -> list[Chunk]:
    """Find the chunks of one sentence by the rule of conlleval.

    A word that is not outside opens a chunk where

    - its prefix is ``B`` (or ``S``, ``U``, ``[``, ``]``: a chunk of one word), or
    - the word before is outside, or has another label, or
    - the word before closed its chunk with ``E`` (or ``L``, ``S``, ``U``, ``[``, ``]``);

    any other word continues the open chunk. So IOB1 and IOB2 are read by the same rule, and a
    stray ``I-`` opens a chunk.

    For ``B``, ``I`` and ``O`` this is ``conlleval.pl`` (Tjong Kim Sang, 2004-01-26), and seqeval's
    default mode. The script also knows ``E``, but leaves an ``E`` chunk open at a following ``B``;
    here it ends, and ``S`` stands alone, as in the Python port by sighsmile. ``L`` and ``U`` are
    ours: the BILOU names for the same two.
    """
    chunks: list[Chunk] = []
    before = OUTSIDE
    for word, tag in enumerate(tags):
        here = prefix, label = split_tag(tag)
        if here != OUTSIDE:
            if prefix in OPENING or before == OUTSIDE or before[1] != label or before[0] in CLOSING:
                chunks.append(Chunk(label, word, word))
            else:
                chunks[-1] = Chunk(label, chunks[-1].first, word)
        before = here
    return chunks


def to_iob2(tags: Sequence[str]) -> list[str]:
    """Rewrite the tags of one sentence as IOB2: ``B-`` on the first word of each chunk.

    The chunks stay the same. The tags change where the source is IOB1 (CoNLL-2003), which writes
    ``B-`` only between two touching chunks of one label.
    """
    rewritten = ["O"] * len(tags)
    for label, first, last in conlleval_chunks(tags):
        suffix = f"-{label}" if label else ""
        rewritten[first : last + 1] = [f"B{suffix}"] + [f"I{suffix}"] * (last - first)
    return rewritten


@lru_cache(maxsize=1024)
def split_tag(tag: str) -> tuple[str, str]:
    """Split a tag into its prefix and its label; a tag that names no chunk gives ``OUTSIDE``.

    A bare ``B`` or ``I`` is a chunk whose label is the empty string, as in conlleval. Any other
    tag without a label (``PER``, ``LABEL_1``) has no prefix to say where a chunk starts.
    """
    prefix, _, label = tag.partition("-")
    if prefix == "O" or not (label or prefix in PREFIXES):
        return OUTSIDE
    return prefix, label
