"""Tag schemes: found from labels and from tags, and what may follow what."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from minner.decoding.chunks import OUTSIDE, split_tag
from minner.decoding.schemes import (
    SCHEMES,
    are_bare,
    chunk_labels,
    may_follow,
    prefixes_by_label,
    scheme_of_corpus,
    scheme_of_labels,
)


@pytest.mark.parametrize(
    ("labels", "scheme"),
    [
        ("O B-PER I-PER B-LOC I-LOC", "IOB2"),
        ("O B-PER B-LOC", "IOB2"),
        ("O B-PER I-PER I-LOC", "IOB1"),
        ("O I-PER I-LOC", "IO"),
        ("O PER LOC", "IO"),
        ("P L M R", "IO"),
        ("O B I", "IOB2"),
        ("O person-actor", "IO"),
        ("LABEL_0 LABEL_1", "IO"),
        ("O", "IO"),
        ("O B-PER I-PER E-PER S-PER", "IOBES"),
        ("O B-PER I-PER L-PER U-PER", "BILOU"),
        ("O S-PER", "IOBES"),
        ("O I-PER E-PER", "IOE2"),
        ("O B-PER M-PER E-PER S-PER", None),  # BMES
        ("O B-PER I-PER L-PER S-PER", None),
    ],
)
def test_the_scheme_of_a_models_labels(labels: str, scheme: str | None) -> None:
    assert scheme_of_labels(labels.split()) == scheme


def test_bare_labels() -> None:
    assert are_bare(["O", "PER"])
    assert are_bare(["O", "person-actor"])
    assert are_bare(["P", "L", "M", "R"])
    assert not are_bare(["O", "PER", "B-LOC"])
    assert not are_bare(["O", "B", "I"])
    assert not are_bare(["O", "B-", "X"])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("O B-PER I-PER I-LOC", "PER LOC"),
        ("O PER person-actor LABEL_3", "PER person-actor LABEL_3"),
        ("O PER B-LOC", "LOC"),
        ("P L M R", "P L M R"),
        ("O B-work-of-art", "work-of-art"),
        ("O", ""),
        ("", ""),
    ],
)
def test_chunk_labels(labels: str, expected: str) -> None:
    assert chunk_labels(labels.split()) == expected.split()


def test_prefixes_by_label() -> None:
    found = prefixes_by_label(["O", "B-PER", "I-LOC", "E-PER", "LABEL_1"])
    assert found == {"PER": {"B", "E"}, "LOC": {"I"}}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("B-PER I-PER O B-PER", "IOB2"),
        ("I-PER I-PER O I-LOC", "IOB1"),
        ("I-PER B-PER O", "IOB1"),
        ("B-PER B-PER O B-LOC I-LOC O I-LOC", "IOB2"),
        ("B-PER I-LOC", "IOB2"),
        ("I-PER E-PER O", "IOE2"),
        ("B-PER E-PER O", "IOBES"),
        ("S-PER O", "IOBES"),
        ("B-PER I-PER L-PER O", "BILOU"),
        ("U-PER", "BILOU"),
        ("[-PER ]-LOC [", "IOB2"),
        ("O O", "IOB2"),
        ("", "IOB2"),
    ],
)
def test_the_scheme_of_a_corpus(tags: str, expected: str) -> None:
    assert scheme_of_corpus([tags.split()]) == expected


@pytest.mark.parametrize("scheme", SCHEMES)
def test_well_formed_tags_name_their_scheme(scheme: str) -> None:
    tags = ["O", *(f"{prefix}-{label}" for prefix in SCHEMES[scheme] for label in ("X", "Y"))]
    well_formed = [
        sequence
        for sequence in product(tags, repeat=4)
        if all(
            may_follow(scheme, before, here)
            for before, here in pairwise([OUTSIDE, *map(split_tag, sequence), OUTSIDE])
        )
    ]
    assert len(well_formed) > 50
    assert scheme_of_corpus(well_formed) == ("IOB1" if scheme == "IO" else scheme)


@pytest.mark.parametrize(
    ("scheme", "refused"),
    [
        ("IO", []),
        ("IOB1", ["O B-X", "I-Y B-X", "B-Y B-X"]),
        ("IOB2", ["O I-X", "I-Y I-X", "B-Y I-X"]),
    ],
)
def test_may_follow(scheme: str, refused: list[str]) -> None:
    tags = ["O", "B-X", "I-X"]
    pairs = [(before, here) for before in [*tags, "B-Y", "I-Y"] for here in tags]
    found = [
        f"{before} {here}"
        for before, here in pairs
        if not may_follow(scheme, split_tag(before), split_tag(here))
    ]
    assert sorted(found) == sorted(refused)


def test_ioe2_may_follow() -> None:
    tags = ["O", "I-X", "E-X", "I-Y", "E-Y"]
    refused = {
        (before, here)
        for before in tags
        for here in tags
        if not may_follow("IOE2", split_tag(before), split_tag(here))
    }
    assert refused == {
        *product(["I-X"], ["O", "I-Y", "E-Y"]),
        *product(["I-Y"], ["O", "I-X", "E-X"]),
    }


@pytest.mark.parametrize("scheme", ["IOBES", "BILOU"])
def test_iobes_may_follow(scheme: str) -> None:
    names = begin, inside, end, single = "BIES" if scheme == "IOBES" else "BILU"
    allowed = {
        (before, here)
        for before in ("O", *names)
        for here in ("O", *names)
        if may_follow(scheme, split_tag(f"{before}-X"), split_tag(f"{here}-X"))
    }
    closed = {"O", end, single}
    expected = {(before, here) for before in closed for here in ("O", begin, single)}
    expected |= {(before, here) for before in (begin, inside) for here in (inside, end)}
    assert allowed == expected
    assert not may_follow(scheme, (begin, "X"), (end, "Y"))
