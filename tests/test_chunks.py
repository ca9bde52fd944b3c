"""Chunks by conlleval's rule; test_decoders.py has the table of conventions, and seqeval."""

from __future__ import annotations

from itertools import product

import pytest

from minner.decoding.chunks import Chunk, conlleval_chunks, to_iob2

END_AND_SINGLE = [
    ("B-PER E-PER I-PER", "PER[0-1] PER[2-2]"),
    ("B-PER E-PER E-PER", "PER[0-1] PER[2-2]"),
    ("O E-PER O", "PER[1-1]"),
    ("B-PER E-PER B-PER", "PER[0-1] PER[2-2]"),
    ("B-PER I-PER E-PER S-PER", "PER[0-2] PER[3-3]"),
    ("S-PER I-PER S-LOC", "PER[0-0] PER[1-1] LOC[2-2]"),
    ("B-PER I-PER L-PER U-PER", "PER[0-2] PER[3-3]"),
    ("U-PER I-PER B-PER L-PER I-PER", "PER[0-0] PER[1-1] PER[2-3] PER[4-4]"),
]

ODD_TAGS = [
    ("", ""),
    ("O O", ""),
    ("B-work-of-art I-work-of-art I-work", "work-of-art[0-1] work[2-2]"),
    ("B I O B B", "[0-1] [3-3] [4-4]"),
    ("B-PER PER I-PER", "PER[0-0] PER[2-2]"),
]


def show(chunks: list[Chunk]) -> str:
    return " ".join(f"{chunk.label}[{chunk.first}-{chunk.last}]" for chunk in chunks)


@pytest.mark.parametrize(("tags", "expected"), END_AND_SINGLE + ODD_TAGS)
def test_chunks(tags: str, expected: str) -> None:
    assert show(conlleval_chunks(tags.split())) == expected


def short_sequences() -> list[list[str]]:
    tags = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    return [list(sequence) for length in range(6) for sequence in product(tags, repeat=length)]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("I-PER I-PER O I-LOC", "B-PER I-PER O B-LOC"),
        ("I-PER B-PER I-PER", "B-PER B-PER I-PER"),
        ("B-PER I-LOC", "B-PER B-LOC"),
        ("B-work-of-art I-work-of-art", "B-work-of-art I-work-of-art"),
        ("B-PER I-PER E-PER S-LOC", "B-PER I-PER I-PER B-LOC"),
        ("I I O I", "B I O B"),
        ("", ""),
    ],
)
def test_iob2(tags: str, expected: str) -> None:
    assert to_iob2(tags.split()) == expected.split()


def test_iob2_keeps_the_chunks_and_is_stable() -> None:
    for tags in short_sequences():
        rewritten = to_iob2(tags)
        assert conlleval_chunks(rewritten) == conlleval_chunks(tags), tags
        assert to_iob2(rewritten) == rewritten, tags
