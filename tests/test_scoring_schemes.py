"""Tag schemes: read strictly, as seqeval's strict mode does, and told from the tags."""

from __future__ import annotations

from itertools import product

import pytest

from minner.chunks import Chunk, conlleval_chunks
from minner.scoring.schemes import SCHEMES, scheme_of, scheme_of_labels, strict_chunks
from minner.weights.errors import MinnerError


def show(chunks: list[Chunk]) -> str:
    return " ".join(f"{chunk.label}[{chunk.first}-{chunk.last}]" for chunk in chunks)


STRICT = [
    ("IOB2", "B-PER I-PER O", "PER[0-1]"),
    ("IOB2", "I-PER I-PER O", ""),
    ("IOB2", "B-PER I-LOC O", "PER[0-0]"),
    ("IOB2", "I-PER I-LOC O", ""),
    ("IOB2", "B-PER B-PER O", "PER[0-0] PER[1-1]"),
    ("IOB2", "I-PER B-PER O", "PER[1-1]"),
    ("IOB2", "O I-PER B-PER I-PER", "PER[2-3]"),
    ("IOB2", "B-PER O I-PER", "PER[0-0]"),
    ("IOB2", "B-PER I-PER I-LOC I-PER", "PER[0-1]"),
    ("IOB2", "B-ORG I-PER B-LOC", "ORG[0-0] LOC[2-2]"),
    ("IOB2", "B-a-b I-a-b I-a", "a-b[0-1]"),
    ("IOB2", "B I O I", "[0-1]"),
    ("IOB2", "", ""),
    ("IOB1", "I-PER I-PER B-PER I-PER", "PER[0-1] PER[2-3]"),
    ("IOB1", "I-PER I-LOC", "PER[0-0] LOC[1-1]"),
    ("IOB1", "O B-PER I-PER", "PER[2-2]"),
    ("IOB1", "I-LOC B-PER", "LOC[0-0]"),
    ("IOE2", "I-PER E-PER E-PER I-PER", "PER[0-1] PER[2-2]"),
    ("IOE2", "I-PER E-LOC", "LOC[1-1]"),
    ("IOBES", "B-PER I-PER E-PER S-PER", "PER[0-2] PER[3-3]"),
    ("IOBES", "B-PER I-PER O E-PER I-PER", ""),
    ("IOBES", "B-PER B-PER E-PER", "PER[1-2]"),
    ("IOBES", "B-PER E-LOC", ""),
    ("BILOU", "B-PER L-PER U-PER I-PER", "PER[0-1] PER[2-2]"),
]


@pytest.mark.parametrize(("scheme", "tags", "expected"), STRICT)
def test_strict_chunks(scheme: str, tags: str, expected: str) -> None:
    assert show(strict_chunks(tags.split(), scheme)) == expected


@pytest.mark.parametrize("scheme", SCHEMES)
def test_strict_chunks_equal_seqeval_on_every_short_sequence(scheme: str) -> None:
    seqeval = pytest.importorskip("seqeval.scheme")
    prefixes = scheme.rstrip("12").replace("O", "")
    tags = ["O", *(f"{prefix}-{label}" for prefix in prefixes for label in ("PER", "LOC"))]
    for length in range(6 if len(prefixes) == 2 else 5):
        for sequence in product(tags, repeat=length):
            [found] = seqeval.Entities([list(sequence)], getattr(seqeval, scheme)).entities
            expected = [Chunk(entity.tag, entity.start, entity.end - 1) for entity in found]
            assert strict_chunks(sequence, scheme) == expected, sequence


@pytest.mark.parametrize(
    ("scheme", "tag"),
    [("IOB2", "S-PER"), ("IOBES", "L-PER"), ("IOB2", "PER"), ("IOB2", ""), ("IOB2", "2-PER")],
)
def test_a_prefix_of_another_scheme_is_refused(scheme: str, tag: str) -> None:
    with pytest.raises(MinnerError, match=f"the tag '{tag}' is not of the scheme {scheme}"):
        strict_chunks(["O", tag], scheme)


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
        ("O O", "IOB2"),
        ("", "IOB2"),
    ],
)
def test_the_scheme_of_a_corpus(tags: str, expected: str) -> None:
    assert scheme_of([tags.split()]) == expected


@pytest.mark.parametrize("scheme", SCHEMES)
def test_well_formed_tags_name_their_scheme(scheme: str) -> None:
    """A sequence whose strict phrases are all its phrases is read back as its own scheme."""
    prefixes = scheme.rstrip("12").replace("O", "")
    tags = ["O", *(f"{prefix}-{label}" for prefix in prefixes for label in ("PER", "LOC"))]
    well_formed = [
        sequence
        for sequence in product(tags, repeat=4)
        if strict_chunks(sequence, scheme) == conlleval_chunks(sequence)
    ]
    assert len(well_formed) > 50
    assert scheme_of(well_formed) == scheme


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("O B-PER I-PER B-LOC I-LOC", "IOB2"),
        ("O B-LOC I-LOC B-PER", "IOB2"),
        ("O I-PER B-LOC I-LOC", "IOB1"),
        ("O I-PER E-PER", "IOE2"),
        ("O B-PER I-PER E-PER S-PER", "IOBES"),
        ("O B-PER I-PER L-PER U-PER", "BILOU"),
        ("O PER LOC", None),
        ("LABEL_0 LABEL_1", None),
        ("", None),
    ],
)
def test_the_scheme_of_a_models_labels(labels: str, expected: str | None) -> None:
    assert scheme_of_labels(labels.split()) == expected
