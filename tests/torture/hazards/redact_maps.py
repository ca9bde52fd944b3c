"""Maps of redacted texts, changed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random

from commands import run_command
from mutations import mutate_bytes, mutate_json
from texts import ODD

from minner.redact import Replacement

PROVOKED = (
    "places, placeholders and originals changed, cut and nested; restored by `redact --restore`"
)
QUICK, LONG = 500, 100_000

TEXTS = ("[PER] lives in [LOC].", f"[PER-1]{''.join(ODD[:9])}[PER-1] " + "[LOC]" * 9, "nothing")


def seeds(_: Path) -> Sequence[bytes]:
    """The map of TEXTS, a line for each."""
    lines = []
    for text in TEXTS:
        places = re.finditer(r"\[[A-Z]+(-1)?\]", text)
        found = [asdict(Replacement(at.start(), at[0], "Zoë \U0001f600")) for at in places]
        lines.append(json.dumps({"replaced": found}))
    return ["\n".join([*lines, ""]).encode()]


def mutate(random: Random, data: bytes) -> bytes:
    """Change one line."""
    lines = data.split(b"\n")
    place = random.randrange(len(lines))
    change = mutate_json if random.random() < 0.8 else mutate_bytes
    lines[place] = change(random, lines[place])
    return b"\n".join(lines)


def check(workshop: Path, data: bytes) -> None:
    """Restore; a wrong map is an error, never a wrong text with a placeholder that it names."""
    path = workshop / "map.jsonl"
    path.write_bytes(data)
    stdin = "\n".join([*TEXTS, ""]).encode("utf-8", "surrogatepass")
    run_command("redact", "--restore", str(path), stdin=stdin)
