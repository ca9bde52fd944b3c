"""vocab.txt of a checkpoint, changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from checkpoint_files import Model, check_file, write_model
from mutations import mutate_bytes

from checkpoints import VOCABULARY

PROVOKED = "lines, line ends and bytes changed; then loaded, and three texts tagged"
QUICK, LONG = 150, 40_000


def prepare(workshop: Path) -> Model:
    """A checkpoint without tokenizer.json."""
    model = write_model(workshop)
    (model.folder / "tokenizer.json").unlink()
    return model


def seeds(_: Model) -> Sequence[bytes]:
    """A vocabulary with each kind of line end."""
    return [end.join([*VOCABULARY, ""]).encode() for end in ("\n", "\r\n", "\r")]


def mutate(random: Random, data: bytes) -> bytes:
    """Change lines or bytes."""
    if random.random() < 0.5:
        return mutate_bytes(random, data)
    lines = data.split(b"\n")
    place, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[place], lines[other] = lines[other], random.choice((b"", b"[UNK]", b"##", lines[place]))
    return b"\n".join(lines)


def check(model: Model, data: bytes) -> None:
    """Load and tag."""
    check_file(model, "vocab.txt", data)
