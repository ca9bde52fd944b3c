"""Tag schemes: which one tags belong to, and which tags may follow each other in it.

- IO: ``I-`` only, so chunks of one label that touch cannot be told apart.
- IOB1: as IO, but ``B-`` starts a chunk that touches one of the same label (CoNLL-2003).
- IOB2: ``B-`` starts every chunk, ``I-`` continues it.
- IOE1: as IO, but ``E-`` ends a chunk that touches one of the same label after it.
- IOE2: ``E-`` ends every chunk, ``I-`` is what comes before.
- IOBES: ``B-`` starts and ``E-`` ends a chunk of several words, ``S-`` is one of a single word.
- BILOU: as IOBES, with the names ``L-`` for ``E-`` and ``U-`` for ``S-``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from minner.decoding.chunks import BRACKETS, OUTSIDE, PREFIXES, conlleval_chunks, split_tag

Tag = tuple[str, str]
"""A prefix and a label, as `split_tag` gives them."""

SCHEMES = {
    "IO": "I",
    "IOB1": "BI",
    "IOB2": "BI",
    "IOE1": "IE",
    "IOE2": "IE",
    "IOBES": "BIES",
    "BILOU": "BILU",
}
"""Scheme -> its prefixes."""

_OPEN = frozenset({"B", "I"})
_CONTINUING = frozenset({"I", "E", "L"})


def may_follow(scheme: str, before: Tag, here: Tag) -> bool:
    """Whether a well-formed sequence of the scheme may have ``here`` right after ``before``.

    The two edges of a sentence behave as ``OUTSIDE``.
    """
    same = before[1] == here[1]
    if scheme == "IO":
        return True
    if scheme == "IOB1":
        return here[0] != "B" or (before != OUTSIDE and same)
    if scheme == "IOB2":
        return here[0] != "I" or (before != OUTSIDE and same)
    if scheme == "IOE1":
        return before[0] != "E" or (here != OUTSIDE and same)
    if scheme == "IOE2":
        return before[0] != "I" or (here != OUTSIDE and same)
    is_open, continues = before[0] in _OPEN, here[0] in _CONTINUING
    return is_open == continues and (same or not continues)


# ---- of a model's labels ------------------------------------------------------------------------


def are_bare(labels: Sequence[str]) -> bool:
    """Whether no label has a prefix that says where chunks are: ``PER`` rather than ``B-PER``.

    A letter alone, such as ``B``, is a prefix where all labels are such letters; beside others it
    is a label like them.
    """
    heads = {label.partition("-")[:2] for label in labels if label != "O"}
    if any(head in PREFIXES and hyphen for head, hyphen in heads):
        return False
    return not heads or any(head not in PREFIXES for head, _ in heads)


def with_prefixes(tags: Sequence[str]) -> list[str]:
    """Write the tags of bare labels as IO."""
    return [tag if tag == "O" else f"I-{tag}" for tag in tags]


def chunk_labels(labels: Sequence[str]) -> list[str]:
    """The labels that chunks can have where tags have these, each once."""
    return list(prefixes_by_label(with_prefixes(labels) if are_bare(labels) else labels))


def prefixes_by_label(labels: Sequence[str]) -> dict[str, set[str]]:
    """Each label that chunks can have, in order, with the prefixes that it has."""
    found: dict[str, set[str]] = {}
    for tag in map(split_tag, labels):
        if tag != OUTSIDE:
            found.setdefault(tag[1], set()).add(tag[0])
    return found


def scheme_of_labels(labels: Sequence[str]) -> str | None:
    """Find the scheme that a model's labels belong to; None where it is none that we know.

    IOB1 and IOB2 use the same labels. What has ``B-`` for every label is taken to be IOB2, which
    nearly all checkpoints are; where a label has ``I-`` alone, only IOB1 makes sense. Bare labels
    are IO.
    """
    by_label = prefixes_by_label(labels)
    prefixes = set().union(*by_label.values())
    if are_bare(labels) or prefixes == {"I"}:
        return "IO"
    scheme = _scheme_of_prefixes(prefixes)
    if not prefixes <= {*SCHEMES[scheme]}:
        return None
    if scheme == "IOB2" and not all("B" in prefixes for prefixes in by_label.values()):
        return "IOB1"
    return scheme


# ---- of a corpus --------------------------------------------------------------------------------


def scheme_of_corpus(corpus: Sequence[Sequence[str]]) -> str:
    """Tell the scheme of a corpus from its tags; IOB2 where they leave it open.

    IOB1 and IOB2 have the same prefixes. What tells them apart is how phrases begin: with ``I``,
    but after a phrase of the same label with ``B``; or always with ``B``. IO is IOB1 in which no
    such phrases touch. IOE1 and IOE2 are the same two read backwards. conlleval's brackets tell
    nothing.
    """
    scheme = _scheme_of_prefixes({tag.partition("-")[0] for tags in corpus for tag in tags})
    if scheme == "IOE2":
        return scheme_of_corpus([*map(_backwards, corpus)]).replace("B", "E")
    if scheme != "IOB2":
        return scheme
    against_iob1 = against_iob2 = 0
    for tags in corpus:
        touching: tuple[str, int] | None = None
        for label, first, last in conlleval_chunks(tags):
            if tags[first].startswith("B"):
                against_iob1 += touching != (label, first - 1)
            elif tags[first].partition("-")[0] not in BRACKETS:
                against_iob2 += 1
            touching = (label, last)
    return "IOB1" if against_iob2 > against_iob1 else "IOB2"


def _backwards(tags: Sequence[str]) -> list[str]:
    """Read IOE tags from the right, which makes them IOB."""
    return [re.sub("^E(?=-|$)", "B", tag) for tag in reversed(tags)]


def _scheme_of_prefixes(prefixes: Collection[str]) -> str:
    """The scheme that the prefixes point to; IOB2 stands for IO and IOB1 too."""
    if "L" in prefixes or "U" in prefixes:
        return "BILOU"
    if "S" in prefixes or {"B", "E"} <= {*prefixes}:
        return "IOBES"
    return "IOE2" if "E" in prefixes else "IOB2"
