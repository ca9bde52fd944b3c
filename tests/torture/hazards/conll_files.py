"""CoNLL files, changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

from commands import run_command
from mutations import mutate_bytes
from texts import ODD

PROVOKED = "columns, tags, blank lines, document marks and bytes changed; scored by `eval --guess`"
QUICK, LONG = 400, 60_000

SEEDS = (
    "-DOCSTART- -X- -X- O O\n\nJohn NNP B-NP B-PER B-PER\nSmith NNP I-NP I-PER I-PER\n"
    "left VB O O O\n\nBerlin NNP B-NP B-LOC B-ORG\n. . O O O\n\n",
    "John\tI-PER\tI-PER\r\nin\tO\tO\r\n\r\nRome\tS-LOC\tB-LOC\r\n",
    "# id = 1\n1\tJohn\tB-PER\tO\n2\tleft\tO\tE-PER\n",
    "B-PER B-PER\nI-PER O\n\nPER O\n",
)

TAGS = [
    "O",
    "B-PER",
    "I-PER",
    "E-PER",
    "S-PER",
    "L-PER",
    "U-PER",
    "M-PER",
    "B-",
    "-PER",
    "PER-B",
    "I_LOC",
    "B-B-B",
    "[-X",
    "]-X",
    "-X-",
    "B-é",
]


def seeds(_: Path) -> Sequence[bytes]:
    """Files of the usual kinds."""
    return [text.encode() for text in SEEDS]


def mutate(random: Random, data: bytes) -> bytes:
    """Change a cell, a line or bytes."""
    if random.random() < 0.3:
        return mutate_bytes(random, data)
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    place = random.randrange(len(lines))
    cells = lines[place].split(random.choice((" ", "\t")))
    kind = random.randrange(5)
    if kind < 2:
        cells[random.randrange(len(cells))] = random.choice(TAGS if kind else ODD)
        lines[place] = random.choice((" ", "\t", "  ")).join(cells)
    elif kind == 2:
        lines.insert(place, random.choice(("", " ", "-DOCSTART- -X- O O", "# text", lines[place])))
    elif kind == 3:
        del lines[place]
    else:
        lines[place] = " ".join(cells[:-1])
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def check(workshop: Path, data: bytes) -> None:
    """All three reports; numbers must be JSON and within 0 and 100."""
    path = workshop / "file.conll"
    path.write_bytes(data)
    run_command("eval", "--guess", str(path))
    run_command("eval", "--guess", "--format", "full", str(path))
    json.loads(
        run_command("eval", "--guess", "--format", "json", str(path)), parse_constant=_refuse
    )


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
