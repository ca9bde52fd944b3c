"""Tag schemes: which one a model's labels belong to, and which tags may follow each other in it.

- ``io``: ``I-`` only, so chunks of one label that touch cannot be told apart.
- ``iob1``: as ``io``, but ``B-`` starts a chunk that touches one of the same label (CoNLL-2003).
- ``iob2``: ``B-`` starts every chunk, ``I-`` continues it.
- ``iobes``: besides, ``E-`` ends a chunk of several words and ``S-`` is one of a single word. BILOU
  is the same with the names ``L-`` and ``U-``.
"""

from __future__ import annotations

from collections.abc import Sequence

from minner.chunks import OUTSIDE, PREFIXES, split_tag

Tag = tuple[str, str]
"""A prefix and a label, as `split_tag` gives them."""

SCHEMES = ("io", "iob1", "iob2", "iobes")

_OPEN = frozenset({"B", "I"})
_CONTINUING = frozenset({"I", "E", "L"})


def are_bare(labels: Sequence[str]) -> bool:
    """Whether no label has a prefix that says where chunks are: ``PER`` rather than ``B-PER``."""
    return not any(label.partition("-")[0] in PREFIXES for label in labels)


def scheme_of(labels: Sequence[str]) -> str | None:
    """Find the scheme that a model's labels belong to; None where it is none that we know.

    IOB1 and IOB2 use the same labels. What has ``B-`` for every label is taken to be IOB2, which
    nearly all checkpoints are; where a label has ``I-`` alone, only IOB1 makes sense.
    """
    if are_bare(labels):
        return "io"
    tags = {split_tag(label) for label in labels} - {OUTSIDE}
    prefixes = {prefix for prefix, _ in tags}
    if prefixes == {"I"}:
        return "io"
    if prefixes <= {"B", "I"}:
        return "iob2" if all(("B", label) in tags for _, label in tags) else "iob1"
    if prefixes <= {"B", "I", "E", "S"} or prefixes <= {"B", "I", "L", "U"}:
        return "iobes" if prefixes & {"B", "S", "U"} else None
    return None


def may_follow(scheme: str, before: Tag, here: Tag) -> bool:
    """Whether a well-formed sequence of the scheme may have ``here`` right after ``before``.

    The two edges of a sentence behave as ``OUTSIDE``.
    """
    same = before[1] == here[1]
    if scheme == "iob1":
        return here[0] != "B" or (before != OUTSIDE and same)
    if scheme == "iob2":
        return here[0] != "I" or (before != OUTSIDE and same)
    if scheme == "iobes":
        is_open, continues = before[0] in _OPEN, here[0] in _CONTINUING
        return is_open == continues and (same or not continues)
    return True
