"""The data sets: how each is written, and what its tags say about our four types.

A set's tag often leaves our tag open. Broad Twitter marks no MISC, so its ``O`` may be ``O`` or
MISC; an award of CrossNER may be a MISC name of CoNLL's or none. So every word gets the list of
labels that it may have, and the loss sums over them. Of plain text nothing is known: there only the
teachers speak.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data import Document, Sentence, read_columns, read_plain

ANY_MISC = ("O", "MISC")
SAME = {kind: (kind,) for kind in ("PER", "ORG", "LOC", "MISC")}

# What CoNLL would call the names of CrossNER's types, as far as that is clear. Fields, genres,
# metrics and the like are no names for CoNLL, or MISC names now and then.
CROSSNER: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("person", "politician", "writer", "researcher", "scientist"), ("PER",)),
    "musicalartist": ("PER", "ORG"),
    **dict.fromkeys(("organisation", "politicalparty", "university", "band"), ("ORG",)),
    **dict.fromkeys(("location", "country"), ("LOC",)),
    **dict.fromkeys(("book", "poem", "song", "album", "event", "award"), ("MISC",)),
    **dict.fromkeys(("magazine", "academicjournal"), ("ORG", "MISC")),
    "conference": ("O", "ORG", "MISC"),
    "product": ("O", "ORG", "MISC"),
    "astronomicalobject": ("O", "LOC", "MISC"),
}
WNUT = {
    "person": ("PER",),
    "location": ("LOC",),
    "corporation": ("ORG",),
    "group": ("ORG",),
    "product": ("O", "MISC", "ORG"),
    "creative-work": ("MISC",),
}

# In contracts these stand for a party; FIN5 marks them as names, nobody else does.
PARTIES = frozenset(["bank", "borrower", "company", "lender", "parent", "agent", "guarantor"])


@dataclass(frozen=True)
class DataSet:
    """A data set.

    Attributes:
        name: its folder below the data folder.
        files: what is trained on.
        word, tag: the columns, counted from 0 (from the end where negative).
        types: for each of its types the types of ours that it may be, ``O`` for no name.
        outside: what its ``O`` may be.
        weight: of its words in the loss; CoNLL's habits count most.
        own_habits: whether it has a bias of its own on the labels, dropped in the end. Broad
            Twitter has none: its habit is the @handle, which the text itself shows.
        gives_names: whether its names may stand in for those of other sentences.
    """

    name: str
    files: tuple[str, ...]
    types: Mapping[str, tuple[str, ...]]
    outside: tuple[str, ...] = ANY_MISC
    word: int = 0
    tag: int = -1
    weight: float = 0.6
    own_habits: bool = True
    gives_names: bool = True


CONLL = DataSet("conll2003", ("eng.train",), SAME, ("O",), weight=1.0, own_habits=False)
INVENTED = DataSet("invented", (), SAME, ("O",), weight=0.5, own_habits=False)
WIKI = DataSet("wiki-text", ("wiki_00.txt",), {}, (), weight=0.0)
SETS = (
    CONLL,
    INVENTED,
    DataSet("btc", ("btc.train",), SAME, own_habits=False),
    DataSet("wnut17", ("wnut17train.conll", "emerging.dev.conll"), WNUT),
    DataSet("uner-ewt", ("en_ewt-ud-dev.iob2",), SAME, word=1, tag=2),
    DataSet(
        "crossner",
        tuple(
            f"{field}-{part}.txt"
            for field in ("ai", "literature", "music", "politics", "science")
            for part in ("train", "dev")
        ),
        CROSSNER,
        ("O",),
    ),
    DataSet("sec-filings", ("FIN5.txt",), SAME, ("O",), weight=0.3, gives_names=False),
    WIKI,
)
SET_ID = {data_set.name: row for row, data_set in enumerate(SETS)}


def may_be_misc(words: list[str], place: int) -> bool:
    """Tell whether a word might be in a MISC name that the set does not mark.

    It has a capital letter, or stands between words that have. @handles, hashtags and URLs are no
    such names.
    """
    word = words[place]
    if word.startswith(("@", "#", "http", "www.")) or word == "I":
        return False
    if any(letter.isupper() for letter in word):
        return True
    before, after = words[max(0, place - 2) : place], words[place + 1 : place + 3]
    return any(w[:1].isupper() for w in before) and any(w[:1].isupper() for w in after)


def options(data_set: DataSet, words: list[str], tags: list[str], place: int) -> tuple[str, ...]:
    """Return the labels that a word may have."""
    prefix, _, kind = tags[place].partition("-")
    word = words[place]
    kinds = data_set.types.get(kind, ANY_MISC) if kind else data_set.outside
    if kinds == ANY_MISC and not may_be_misc(words, place):
        kinds = ("O",)
    if data_set.name == "sec-filings" and word.lower() in PARTIES:
        kinds = (*kinds, "O")
    if data_set.name == "wnut17" and "@" in (word[0], words[place - 1]):
        kinds = (*kinds, "PER", "ORG")  # it marks no @handles; Broad Twitter does
    labels = ["O"] if "O" in kinds else []
    for each in kinds:
        if each != "O":
            labels += [f"{p}-{each}" for p in (prefix if kind else "BI")]
    return tuple(dict.fromkeys(labels))


def read_set(data_set: DataSet, data: Path) -> list[Document]:
    """Read a set's files; every word of every sentence gets the labels that it may have."""
    documents = []
    for file in data_set.files:
        path = data / data_set.name / file
        if data_set == WIKI:
            documents += read_plain(path)
        else:
            documents += read_columns(path, data_set.word, data_set.tag)
    for document in documents:
        for sentence in document:
            allow(sentence, data_set)
    return documents


def allow(sentence: Sentence, data_set: DataSet) -> Sentence:
    """Fill in a sentence's set and the labels that its words may have."""
    words, tags = sentence.words, sentence.tags
    sentence.options = [options(data_set, words, tags, place) for place in range(len(words))]
    sentence.set_id = SET_ID[data_set.name]
    return sentence
