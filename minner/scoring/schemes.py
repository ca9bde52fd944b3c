"""Tag schemes: which one a corpus is written in, and its phrases read strictly.

A strict reader counts only what its scheme allows; an ill-formed phrase is no phrase. The lenient
reader, which makes the best of any tags, is `minner.chunks.conlleval_chunks`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from minner.chunks import Chunk, conlleval_chunks
from minner.scoring.counts import Corpus
from minner.weights.errors import MinnerError

SCHEMES = {
    "IOB1": re.compile(r"I(-I)*|(?<=-)B((-I)+|(?!\|B))"),
    "IOB2": re.compile(r"B(-I)*"),
    "IOE2": re.compile(r"(I-)*E"),
    "IOBES": re.compile(r"B(-I)*-E|S"),
    "BILOU": re.compile(r"B(-I)*-L|U"),
}
"""Scheme -> what a phrase looks like in `_spelled` tags.

They find the phrases that seqeval 1.2.2 finds in strict mode. IOB1 writes ``B`` only after a word
of the same label; that a lone such ``B`` does not count either before a ``B`` of another label
(the last group) is seqeval's reading of what follows an ill-formed tag.
"""


def strict_chunks(tags: Sequence[str], scheme: str) -> list[Chunk]:
    """Find the well-formed phrases of one sentence.

    Args:
        tags: such as ``B-PER``.
        scheme: a key of SCHEMES.

    Raises:
        MinnerError: a tag has a prefix that the scheme does not have.
    """
    split = [_split(tag, scheme) for tag in tags]
    return [
        Chunk(split[match.start() // 2][1], match.start() // 2, match.end() // 2 - 1)
        for match in SCHEMES[scheme].finditer(_spelled(split))
    ]


def _spelled(split: Sequence[tuple[str, str]]) -> str:
    """Spell a sentence in two letters a word: the join to the word before, and the prefix.

    The join is ``-`` where both words have the same label and neither is outside, else ``|``:
    ``B-PER I-PER I-LOC O`` is ``|B-I|I|O``.
    """
    spelled, before = "", ("O", "")
    for here in split:
        prefix, label = here
        joined = "O" not in (prefix, before[0]) and label == before[1]
        spelled += ("-" if joined else "|") + prefix
        before = here
    return spelled


def _split(tag: str, scheme: str) -> tuple[str, str]:
    prefix, _, label = tag.partition("-")
    if len(prefix) != 1 or prefix not in scheme.rstrip("12"):
        raise MinnerError(
            f"the tag {tag!r} is not of the scheme {scheme}, by which the gold tags are read "
            f"strictly; write gold and guess in one scheme"
        )
    return prefix, label


# --- which scheme -------------------------------------------------------------------------------


def scheme_of(corpus: Corpus) -> str:
    """Tell the scheme of a corpus from its tags; IOB2 where they leave it open.

    IOB1 and IOB2 have the same prefixes. What tells them apart is how phrases begin: with ``I``,
    but after a phrase of the same label with ``B``; or always with ``B``.
    """
    scheme = scheme_of_prefixes({tag.partition("-")[0] for tags in corpus for tag in tags})
    if scheme != "IOB2":
        return scheme
    against_iob1 = against_iob2 = 0
    for tags in corpus:
        touching: tuple[str, int] | None = None
        for label, first, last in conlleval_chunks(tags):
            if tags[first].startswith("B"):
                against_iob1 += touching != (label, first - 1)
            else:
                against_iob2 += 1
            touching = (label, last)
    return "IOB1" if against_iob2 > against_iob1 else "IOB2"


def scheme_of_labels(labels: Sequence[str]) -> str | None:
    """Tell the scheme that a model's labels are made for; None where none has a prefix.

    IOB1 shows only where a type has no ``B``; a model with all labels of IOB2 may still write it.
    """
    types = prefixes_by_type(labels)
    scheme = scheme_of_prefixes(set().union(*types.values()))
    if scheme == "IOB2" and any("B" not in prefixes for prefixes in types.values()):
        return "IOB1"
    return scheme if types else None


def prefixes_by_type(labels: Sequence[str]) -> dict[str, set[str]]:
    """Return each entity type of a model's labels, in order, with the prefixes that it has."""
    types: dict[str, set[str]] = {}
    for label in labels:
        if conlleval_chunks([label]):
            prefix, _, name = label.partition("-")
            types.setdefault(name, set()).add(prefix)
    return types


def scheme_of_prefixes(prefixes: Collection[str]) -> str:
    """Tell the scheme that has these prefixes; IOB2 stands for IOB1 too."""
    if "L" in prefixes or "U" in prefixes:
        return "BILOU"
    if "S" in prefixes or {"B", "E"} <= {*prefixes}:
        return "IOBES"
    return "IOE2" if "E" in prefixes else "IOB2"
