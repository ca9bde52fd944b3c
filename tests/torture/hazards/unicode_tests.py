"""Unicode's own test files."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import NamedTuple

from texts import assert_sound, unicode_tests

import minner
from checkpoints import write_checkpoint
from minner.tagger import Tagger

PROVOKED = (
    "texts of NormalizationTest, the four BreakTests and emoji-test, each also inside a sentence "
    "and within a name"
)
QUICK, LONG = 400, 40_000


class Prepared(NamedTuple):
    """A model, and the texts."""

    ner: Tagger
    texts: list[tuple[str, str]]


def prepare(workshop: Path) -> Prepared:
    """A random model of 32 positions."""
    texts = list(unicode_tests())
    return Prepared(
        minner.load(write_checkpoint(workshop / "m", max_positions=32), threads=1), texts
    )


def trial(random: Random, prepared: Prepared) -> None:
    """One text of the files, which a long pass visits twice on average."""
    _, text = random.choice(prepared.texts)
    for whole in (text, f"John {text} Smith in {text}.", f"Sm{text}ith"):
        assert_sound(prepared.ner, whole)
