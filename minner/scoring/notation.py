"""One notation for the tags of a file or a model: the prefix first, then a hyphen and the label.

Every score reads tags like ``B-PER``. Files also write ``PER-B``, the prefix last, or ``PER``
alone: then words of one label in a row are one phrase. All tags of a file together tell which.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from minner.decoding.chunks import OUTSIDE, PREFIXES, split_tag
from minner.decoding.schemes import are_bare
from minner.scoring.counts import Corpus

_OPENING = {"I": "B", "E": "S", "L": "U"}
"""Prefix that may continue a phrase -> the one that starts a phrase there."""

SHOWN = 5
"""How many names a warning or an error lists; a corpus can have hundreds."""


def all_tags(corpus: Corpus) -> list[str]:
    """Every tag that a corpus has, once, in the order of its first appearance."""
    return list(dict.fromkeys(tag for tags in corpus for tag in tags))


def prefix_first(corpus: Corpus, tags: Collection[str]) -> list[list[str]]:
    """Write a corpus with the prefix first; it stays as it is where it already was.

    Args:
        corpus: the tags of each sentence.
        tags: all that the file or the model has, which tell the notation.
    """
    rewrite = _notation(tags)
    return [[rewrite(tag) for tag in sentence] for sentence in corpus]


def raw(corpus: Corpus) -> list[list[str]]:
    """Make every word that is not outside a phrase of its own, as ``conlleval.pl -r`` does."""
    return [[tag if tag == "O" else f"B-{tag}" for tag in sentence] for sentence in corpus]


def odd_tags(tags: Iterable[str]) -> list[str]:
    """The tags that are in no phrase, but are not ``O`` either."""
    return [tag for tag in tags if tag != "O" and split_tag(tag) == OUTSIDE]


def listed(names: Sequence[str]) -> str:
    """Names for a message: the first few, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def keep_labels(corpus: Corpus, kept: Collection[str]) -> list[list[str]]:
    """Put all phrases outside but those of some labels."""
    return [["O" if split_tag(tag)[1] not in kept else tag for tag in tags] for tags in corpus]


def rename_labels(corpus: Corpus, names: Mapping[str, str]) -> list[list[str]]:
    """Rename the labels of phrases, which keep their words.

    Where two that touch get one label, the second is made to start there.

    Args:
        corpus: with the prefix first.
        names: label -> its new name; ``O`` puts its phrases outside, and so it does with a tag
            that is in no phrase, such as ``0``.
    """
    return [_renamed(tags, names) for tags in corpus] if names else [[*tags] for tags in corpus]


def _renamed(tags: Sequence[str], names: Mapping[str, str]) -> list[str]:
    rewritten = []
    before, before_new = OUTSIDE, ""
    for tag in tags:
        here = prefix, label = split_tag(tag)
        new = names.get(label, label)
        if here == OUTSIDE:
            rewritten.append("O" if names.get(tag) == "O" else tag)
        elif new == "O":
            rewritten.append("O")
        else:
            if before[1] != label and before_new == new and before != OUTSIDE:
                prefix = _OPENING.get(prefix, prefix)
            rewritten.append(f"{prefix}-{new}" if new else prefix)
        before, before_new = here, new
    return rewritten


def _notation(tags: Collection[str]) -> Callable[[str], str]:
    labelled = [tag for tag in tags if tag != "O"]
    if _have_suffixes(labelled):
        return _suffix_to_prefix
    if are_bare(labelled):
        return _bare_to_prefix
    return str


def _have_suffixes(tags: Collection[str]) -> bool:
    """Whether all are like ``PER-B``; tags like ``B-I`` are read as a prefix and a label."""
    if all(tag.partition("-")[0] in PREFIXES for tag in tags):
        return False
    return all(
        label and suffix in PREFIXES for label, _, suffix in (t.rpartition("-") for t in tags)
    )


def _suffix_to_prefix(tag: str) -> str:
    label, _, suffix = tag.rpartition("-")
    return f"{suffix}-{label}" if label else tag


def _bare_to_prefix(tag: str) -> str:
    return tag if tag == "O" else f"I-{tag}"
