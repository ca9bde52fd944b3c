"""Decoders: the table of conventions row by row, and seqeval on every short sequence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import pytest

from golden.make_seqeval import HERE, PREFIXES, FindChunks, by_word, seqeval_chunks
from minner.compat.huggingface.aggregation import Wordpiece, aggregate
from minner.decoders import DECODERS
from minner.decoders.strict import strict_chunks
from minner.decoding.chunks import Chunk, conlleval_chunks

CONVENTIONS = [
    # tags, NerConverter, Hugging Face's simple, conlleval, strict IOB2
    ("B-PER I-PER O", "PER[0-1]", "PER[0-1]", "PER[0-1]", "PER[0-1]"),
    ("I-PER I-PER O", "PER[0-1]", "PER[0-1]", "PER[0-1]", ""),
    ("B-PER I-LOC O", "PER[0-1]", "PER[0-0] LOC[1-1]", "PER[0-0] LOC[1-1]", "PER[0-0]"),
    ("I-PER I-LOC O", "PER[0-1]", "PER[0-0] LOC[1-1]", "PER[0-0] LOC[1-1]", ""),
    (
        "B-PER B-PER O",
        "PER[0-0] PER[1-1]",
        "PER[0-0] PER[1-1]",
        "PER[0-0] PER[1-1]",
        "PER[0-0] PER[1-1]",
    ),
    ("I-PER B-PER O", "PER[0-0] PER[1-1]", "PER[0-0] PER[1-1]", "PER[0-0] PER[1-1]", "PER[1-1]"),
    (
        "O I-PER B-PER I-PER",
        "PER[1-1] PER[2-3]",
        "PER[1-1] PER[2-3]",
        "PER[1-1] PER[2-3]",
        "PER[2-3]",
    ),
    ("B-PER O I-PER", "PER[0-0] PER[2-2]", "PER[0-0] PER[2-2]", "PER[0-0] PER[2-2]", "PER[0-0]"),
    (
        "B-PER I-PER I-LOC I-PER",
        "PER[0-3]",
        "PER[0-1] LOC[2-2] PER[3-3]",
        "PER[0-1] LOC[2-2] PER[3-3]",
        "PER[0-1]",
    ),
    (
        "B-ORG I-PER B-LOC",
        "ORG[0-1] LOC[2-2]",
        "ORG[0-0] PER[1-1] LOC[2-2]",
        "ORG[0-0] PER[1-1] LOC[2-2]",
        "ORG[0-0] LOC[2-2]",
    ),
    ("PER PER O", "R[0-1]", "PER[0-1]", "", ""),
    ("LABEL_1 LABEL_2", "BEL_1[0-1]", "LABEL_1[0-0] LABEL_2[1-1]", "", ""),
]

STRICT = [
    ("IOB2", "", ""),
    ("IOB2", "B-a-b I-a-b I-a", "a-b[0-1]"),
    ("IOB2", "B I O I", "[0-1]"),
    ("IOB1", "I-PER I-PER B-PER I-PER", "PER[0-1] PER[2-3]"),
    ("IOB1", "I-PER I-LOC", "PER[0-0] LOC[1-1]"),
    ("IOB1", "O B-PER I-PER", "PER[2-2]"),
    ("IOB1", "I-LOC B-PER", "LOC[0-0]"),
    ("IOE2", "I-PER E-PER E-PER I-PER", "PER[0-1] PER[2-2]"),
    ("IOE2", "I-PER E-LOC", "LOC[1-1]"),
    ("IOBES", "S-PER", "PER[0-0]"),
    ("IOBES", "B-PER E-PER", "PER[0-1]"),
    ("IOBES", "B-PER I-PER I-PER E-PER S-PER", "PER[0-3] PER[4-4]"),
    ("IOBES", "B-PER I-PER", ""),
    ("IOBES", "B-PER I-PER O E-PER I-PER", ""),
    ("IOBES", "B-PER E-LOC", ""),
    ("IOBES", "B-PER I-LOC E-PER", ""),
    ("IOBES", "I-PER E-PER", ""),
    ("IOBES", "B-PER S-PER E-PER", "PER[1-1]"),
    ("IOBES", "B-PER B-PER E-PER", "PER[1-2]"),
    ("IOBES", "B-PER E-PER E-PER", "PER[0-1]"),
    ("IOBES", "B-work-of-art E-work-of-art", "work-of-art[0-1]"),
    ("BILOU", "B-PER I-PER L-PER U-LOC I-LOC", "PER[0-2] LOC[3-3]"),
]


def show(chunks: list[Chunk]) -> str:
    return " ".join(f"{chunk.label}[{chunk.first}-{chunk.last}]" for chunk in chunks)


@pytest.mark.parametrize(("tags", "ner_converter", "simple", "conlleval", "strict"), CONVENTIONS)
def test_conventions(
    tags: str, ner_converter: str, simple: str, conlleval: str, strict: str
) -> None:
    assert show(DECODERS["sparknlp"](tags.split())) == ner_converter
    assert show(huggingface_chunks(tags.split())) == simple
    assert show(DECODERS["conlleval"](tags.split())) == conlleval
    assert show(DECODERS["iob2"](tags.split())) == strict


def huggingface_chunks(tags: Sequence[str]) -> list[Chunk]:
    """What the `simple` strategy makes of wordpieces with these tags, one character each."""
    wordpieces = [Wordpiece("x", i, i + 1, continues=False) for i in range(len(tags))]
    labels = sorted({*tags})
    certain = np.float32([[label == tag for label in labels] for tag in tags])
    groups = aggregate(wordpieces, certain, labels, "simple", "".join)
    return [
        Chunk(group["entity_group"], group["start"], group["end"] - 1)
        for group in groups
        if group["entity_group"] != "O"
    ]


def test_conventions_differ_on_as_many_short_sequences_as_in_the_originals() -> None:
    """Counted on restatements of their sources, over all sequences of one to five tags."""
    tags = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    sequences = [row for length in range(1, 6) for row in product(tags, repeat=length)]
    conlleval = [conlleval_chunks(row) for row in sequences]

    def differing(decode: FindChunks) -> int:
        return sum(decode(row) != ours for row, ours in zip(sequences, conlleval, strict=True))

    assert len(sequences) == 3905
    assert differing(DECODERS["sparknlp"]) == 1816
    assert differing(huggingface_chunks) == 0


@pytest.mark.parametrize(("scheme", "tags", "expected"), STRICT)
def test_strict_chunks(scheme: str, tags: str, expected: str) -> None:
    assert show(strict_chunks(tags.split(), scheme)) == expected


@pytest.mark.parametrize(("scheme", "tags", "expected"), [row for row in STRICT if len(row[0]) > 4])
def test_iobes_and_bilou_are_read_alike(scheme: str, tags: str, expected: str) -> None:
    assert show(DECODERS["iobes"](tags.split())) == expected
    assert show(DECODERS["bilou"](tags.split())) == expected


@pytest.mark.parametrize(
    ("scheme", "tags", "expected"),
    [
        ("IOB2", "E-PER", ""),
        ("IOB2", "B-PER E-PER I-PER", "PER[0-0]"),
        ("IOB2", "S-PER I-PER", ""),
        ("IOB2", "M-PER", ""),
        ("IOB2", "I", ""),
        ("IOB2", "E-", ""),
        ("IOB2", "-PER B-PER person-PER I-PER", "PER[1-1]"),
        ("IOB2", "O-PER I-PER PER LABEL_1", ""),
        ("IOB1", "E-PER B-PER", ""),
        ("IOB1", "(-PER B-PER", ""),
        ("IOBES", "B-PER M-PER E-PER", ""),
    ],
)
def test_a_prefix_of_another_scheme_is_outside(scheme: str, tags: str, expected: str) -> None:
    assert show(strict_chunks(tags.split(), scheme)) == expected


def test_every_file_of_decoders_is_found() -> None:
    assert sorted(DECODERS) == sorted(
        ["bilou", "conlleval", "iob2", "iobes", "sparknlp", "viterbi", "viterbi-iob1"]
    )
    telling = {name for name, decoder in DECODERS.items() if decoder.shows_in_tags}
    assert telling == {"conlleval", "viterbi", "viterbi-iob1"}


# ---- seqeval on every short sequence ------------------------------------------------------------

MODES = [*product(PREFIXES, ["strict", "default"])]
MODES.remove(("BILOU", "default"))  # seqeval's reads L and U as nothing in particular


def our_chunks(scheme: str, mode: str) -> FindChunks:
    return partial(strict_chunks, scheme=scheme) if mode == "strict" else conlleval_chunks


@pytest.mark.parametrize(("scheme", "mode"), MODES)
def test_every_short_sequence_as_stored_from_seqeval(scheme: str, mode: str) -> None:
    with np.load(HERE / "seqeval.npz") as stored:
        ours = by_word(our_chunks(scheme, mode), PREFIXES[scheme])
        np.testing.assert_array_equal(ours, stored[f"{scheme} {mode}"])


@pytest.mark.parametrize(("scheme", "mode"), MODES)
def test_every_short_sequence_against_seqeval(scheme: str, mode: str) -> None:
    pytest.importorskip("seqeval")
    theirs = by_word(seqeval_chunks(scheme if mode == "strict" else None), PREFIXES[scheme])
    ours = by_word(our_chunks(scheme, mode), PREFIXES[scheme])
    np.testing.assert_array_equal(ours, theirs)
