"""Very long words, lines and texts."""

from __future__ import annotations

from pathlib import Path
from random import Random

from texts import ODD, assert_sound

import minner
from checkpoints import write_checkpoint
from minner.tagger import Tagger

PROVOKED = "one character, word, mark or line break repeated up to 200,000 times"
QUICK, LONG = 10, 1000
SECONDS = 30.0  # some 100,000 words a second: this is work, not a hazard

UNITS = (
    *ODD,
    "a",
    "A",
    ".",
    " ",
    "\n",
    "John Smith ",
    "a.",
    "-a",
    "I.",
    "'s",
    "http://",
    "@a",
    "1,",
)


def prepare(workshop: Path) -> Tagger:
    """A tiny random model."""
    return minner.load(
        write_checkpoint(workshop / "m", dim=8, hidden_dim=8, n_layers=1, n_heads=1), threads=1
    )


def trial(random: Random, ner: Tagger) -> None:
    """One unit, again and again, with a name at either end."""
    count = int(10 ** random.uniform(2, 5.3))
    unit = random.choice(UNITS)
    assert_sound(ner, f"John {unit * (count // len(unit))} Smith")
