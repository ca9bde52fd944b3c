"""Decoders: the table of conventions row by row, and seqeval on every short sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minner.chunks import Chunk
from minner.decoders import DECODERS, SCHEMES_READ, VITERBI

CONVENTIONS = [
    # tags, conlleval, strict IOB2
    ("B-PER I-PER O", "PER[0-1]", "PER[0-1]"),
    ("I-PER I-PER O", "PER[0-1]", ""),
    ("B-PER I-LOC O", "PER[0-0] LOC[1-1]", "PER[0-0]"),
    ("I-PER I-LOC O", "PER[0-0] LOC[1-1]", ""),
    ("B-PER B-PER O", "PER[0-0] PER[1-1]", "PER[0-0] PER[1-1]"),
    ("I-PER B-PER O", "PER[0-0] PER[1-1]", "PER[1-1]"),
    ("O I-PER B-PER I-PER", "PER[1-1] PER[2-3]", "PER[2-3]"),
    ("B-PER O I-PER", "PER[0-0] PER[2-2]", "PER[0-0]"),
    ("B-PER I-PER I-LOC I-PER", "PER[0-1] LOC[2-2] PER[3-3]", "PER[0-1]"),
    ("B-ORG I-PER B-LOC", "ORG[0-0] PER[1-1] LOC[2-2]", "ORG[0-0] LOC[2-2]"),
    ("PER PER O", "", ""),
    ("LABEL_1 LABEL_2", "", ""),
]

STRICT_IOBES = [
    ("", ""),
    ("S-PER", "PER[0-0]"),
    ("B-PER E-PER", "PER[0-1]"),
    ("B-PER I-PER I-PER E-PER S-PER", "PER[0-3] PER[4-4]"),
    ("B-PER I-PER", ""),
    ("B-PER I-PER O E-PER", ""),
    ("B-PER E-LOC", ""),
    ("B-PER I-LOC E-PER", ""),
    ("I-PER E-PER", ""),
    ("B-PER S-PER E-PER", "PER[1-1]"),
    ("B-PER B-PER E-PER", "PER[1-2]"),
    ("B-PER E-PER E-PER", "PER[0-1]"),
    ("B-PER I-PER L-PER U-LOC", "PER[0-2] LOC[3-3]"),
    ("B-work-of-art E-work-of-art", "work-of-art[0-1]"),
]


def show(chunks: list[Chunk]) -> str:
    return " ".join(f"{chunk.label}[{chunk.first}-{chunk.last}]" for chunk in chunks)


@pytest.mark.parametrize(("tags", "conlleval", "strict"), CONVENTIONS)
def test_conventions(tags: str, conlleval: str, strict: str) -> None:
    assert show(DECODERS["conlleval"](tags.split())) == conlleval
    assert show(DECODERS["iob2"](tags.split())) == strict


@pytest.mark.parametrize(("tags", "expected"), STRICT_IOBES)
def test_strict_iobes(tags: str, expected: str) -> None:
    assert show(DECODERS["iobes"](tags.split())) == expected
    assert DECODERS["bilou"] is DECODERS["iobes"]


@pytest.mark.parametrize("tags", ["E-PER", "B-PER E-PER", "S-PER I-PER", "M-PER", "", "I", "E-"])
def test_a_prefix_of_another_scheme_is_outside(tags: str) -> None:
    found = DECODERS["iob2"](tags.split())
    assert show(found) == ("PER[0-0]" if tags.startswith("B") else "")


def test_the_registry_is_whole() -> None:
    assert set(SCHEMES_READ) <= set(DECODERS)
    assert set(VITERBI) <= set(DECODERS)


# ---- seqeval on every short sequence ------------------------------------------------------------

STORED = Path(__file__).parent / "golden" / "seqeval.npz"

IOB = ("O", "B-X", "I-X", "B-Y", "I-Y")
IOBES = (*IOB, "E-X", "S-X", "E-Y", "S-Y")
BILOU = (*IOB, "L-X", "U-X", "L-Y", "U-Y")

CASES = {
    # name: tags, longest, our decoder, seqeval's scheme in strict mode
    "iob": (IOB, 5, "conlleval", None),
    "iob strict": (IOB, 5, "iob2", "IOB2"),
    "iobes": (IOBES, 4, "conlleval", None),
    "iobes strict": (IOBES, 4, "iobes", "IOBES"),
    "bilou strict": (BILOU, 4, "bilou", "BILOU"),
}


def sequences(tags: Sequence[str], longest: int) -> list[list[str]]:
    """Every sequence of at most `longest` tags, the shortest first."""
    return [
        list(sequence) for length in range(longest + 1) for sequence in product(tags, repeat=length)
    ]


def by_word(
    chunks: Callable[[list[str]], list[tuple[str, int, int]]], tags: Sequence[str], longest: int
) -> np.ndarray:
    """The chunks of every sequence, as uint8 `[sequences, longest]`.

    0 stands for a word outside, 1 and 2 for the first word of an X and of a Y, 3 for a word inside.
    """
    all_sequences = sequences(tags, longest)
    found = np.zeros((len(all_sequences), longest), dtype=np.uint8)
    for row, sequence in zip(found, all_sequences, strict=True):
        for label, first, last in chunks(sequence):
            assert not row[first : last + 1].any()
            row[first] = 1 + "XY".index(label)
            row[first + 1 : last + 1] = 3
    return found


def seqeval_chunks(scheme: str | None) -> Callable[[list[str]], list[tuple[str, int, int]]]:
    """What seqeval finds: in its default mode, or in its strict mode with a scheme."""
    if scheme is None:
        default: Any = pytest.importorskip("seqeval.metrics.sequence_labeling")
        return default.get_entities  # type: ignore[no-any-return]
    strict: Any = pytest.importorskip("seqeval.scheme")
    rules = getattr(strict, scheme)

    def chunks(tags: list[str]) -> list[tuple[str, int, int]]:
        found = strict.Tokens(tags, rules).entities
        return [(entity.tag, entity.start, entity.end - 1) for entity in found]

    return chunks


@pytest.mark.parametrize("name", CASES)
def test_every_short_sequence_as_stored_from_seqeval(name: str) -> None:
    tags, longest, decoder, _ = CASES[name]
    with np.load(STORED) as stored:
        np.testing.assert_array_equal(by_word(DECODERS[decoder], tags, longest), stored[name])


@pytest.mark.parametrize("name", CASES)
def test_every_short_sequence_against_seqeval(name: str) -> None:
    tags, longest, decoder, scheme = CASES[name]
    theirs = by_word(seqeval_chunks(scheme), tags, longest)
    np.testing.assert_array_equal(by_word(DECODERS[decoder], tags, longest), theirs)
