"""Tag schemes: found from labels, and what may follow what."""

from __future__ import annotations

import pytest

from minner.chunks import split_tag
from minner.schemes import are_bare, may_follow, scheme_of


@pytest.mark.parametrize(
    ("labels", "scheme"),
    [
        ("O B-PER I-PER B-LOC I-LOC", "iob2"),
        ("O B-PER B-LOC", "iob2"),
        ("O B-PER I-PER I-LOC", "iob1"),
        ("O I-PER I-LOC", "io"),
        ("O PER LOC", "io"),
        ("O person-actor", "io"),
        ("LABEL_0 LABEL_1", "io"),
        ("O", "io"),
        ("O B-PER I-PER E-PER S-PER", "iobes"),
        ("O B-PER I-PER L-PER U-PER", "iobes"),
        ("O S-PER", "iobes"),
        ("O I-PER E-PER", None),  # IOE2
        ("O B-PER M-PER E-PER S-PER", None),  # BMES
        ("O B-PER I-PER L-PER S-PER", None),
    ],
)
def test_scheme_of(labels: str, scheme: str | None) -> None:
    assert scheme_of(labels.split()) == scheme


def test_bare_labels() -> None:
    assert are_bare(["O", "PER"])
    assert are_bare(["O", "person-actor"])
    assert not are_bare(["O", "PER", "B-LOC"])


@pytest.mark.parametrize(
    ("scheme", "refused"),
    [
        ("io", []),
        ("iob1", ["O B-X", "I-Y B-X", "B-Y B-X"]),
        ("iob2", ["O I-X", "I-Y I-X", "B-Y I-X"]),
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


@pytest.mark.parametrize("names", ["BIES", "BILU"])
def test_iobes_may_follow(names: str) -> None:
    begin, inside, end, single = names
    allowed = {
        (before, here)
        for before in f"O{names}"
        for here in f"O{names}"
        if may_follow("iobes", split_tag(f"{before}-X"), split_tag(f"{here}-X"))
    }
    closed = {("O"), end, single}
    expected = {(before, here) for before in closed for here in ("O", begin, single)}
    expected |= {(before, here) for before in (begin, inside) for here in (inside, end)}
    assert allowed == expected
    assert not may_follow("iobes", (begin, "X"), (end, "Y"))
