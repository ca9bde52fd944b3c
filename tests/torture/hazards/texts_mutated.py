"""Texts of odd characters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from texts import assert_sound, mixture, mutate_text

import minner
from checkpoints import write_checkpoint
from minner.tagger import Tagger

PROVOKED = (
    "invisible, combining, bidirectional, half and very long characters and words, mixed and "
    "changed; alone and in a batch, whose bits must be the same"
)
QUICK, LONG = 400, 100_000


def prepare(workshop: Path) -> Tagger:
    """A random model of 32 positions."""
    return minner.load(write_checkpoint(workshop / "model", max_positions=32), threads=1)


def seeds(_: Tagger) -> Sequence[bytes]:
    """Mixtures."""
    return [mixture(Random(number)).encode("utf-8", "surrogatepass") for number in range(50)]


def mutate(random: Random, data: bytes) -> bytes:
    """Change the text."""
    return mutate_text(random, _text(data)).encode("utf-8", "surrogatepass")


def check(ner: Tagger, data: bytes) -> None:
    """Tag it, alone and with others."""
    text = _text(data)
    found = assert_sound(ner, text)
    assert ner([text[::-1], text, "John"])[1] == found
    document = ner.document(text)
    assert document.entities == found
    assert all(text[start:end].strip() for start, end in document.words)


def _text(data: bytes) -> str:
    """Bytes as a text; those of a guided fuzzer may be none."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")
