"""Make conlleval.json: what conlleval.pl (Tjong Kim Sang, 2004-01-26) says of less common files.

    python tests/golden/make_conlleval.py path/to/conlleval.pl

The script is at https://www.clips.uantwerpen.be/conll2000/chunking/. Each entry has the `file`, the
`options` of the script that were used, and what it printed: `report`.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LABELS = ("PER", "LOC", "work-of-art")

Pair = tuple[list[str], list[str]]


def sentence(rng: random.Random, words: int, scheme: str) -> list[str]:
    """Return well-formed tags of a scheme, with at least so many words."""
    tags: list[str] = []
    label = None
    while len(tags) < words:
        before, label = label, rng.choice([None, *LABELS])
        length = rng.randint(1, 3)
        if label is None or (scheme == "brackets" and before == label):
            tags += ["O"] * length  # beside brackets of one label, the script miscounts
        elif scheme == "bare":
            tags += [label] * length
        elif scheme == "IOE1":
            if before == label:
                tags[-1] = f"E-{label}"
            tags += [f"I-{label}"] * length
        elif rng.random() < 0.5:
            tags.append(f"{rng.choice('[]')}-{label}")
        else:
            tags += [f"B-{label}"] + [f"I-{label}"] * (length - 1)
    return tags


def pair(rng: random.Random, scheme: str) -> Pair:
    """Return gold and guess of one sentence; half of the time they are the same."""
    gold = sentence(rng, rng.randint(1, 9), scheme)
    guess = gold if rng.random() < 0.5 else sentence(rng, len(gold), scheme)
    guess = guess[: len(gold)]
    if scheme == "IOE1" and guess[-1].startswith("E-"):  # nothing comes after it any more
        guess[-1] = f"I{guess[-1][1:]}"
    return gold, guess


def table(pairs: list[Pair], first: str, between: str = "") -> str:
    """Write the columns; `between` is the line between two sentences."""
    blocks = (
        "".join(f"{first}{a} {b}\n" for a, b in zip(gold, guess, strict=True))
        for gold, guess in pairs
    )
    return f"{between}\n".join(blocks)


def files() -> dict[str, tuple[list[str], str]]:
    """Return the options and the file of each entry."""
    rng = random.Random(13)
    corpora = {s: [pair(rng, s) for _ in range(40)] for s in ("bare", "brackets", "IOE1")}
    return {
        "raw": (["-r"], table(corpora["bare"], "word ")),
        "boundaries": ([], table(corpora["brackets"], "word ", "-X- B-PER B-PER")),
        "brackets": ([], table(corpora["brackets"], "word DT ")),
        "two columns": ([], table(corpora["brackets"], "")),
        "IOE1": ([], table(corpora["IOE1"], "word ")),
    }


def main(script: str) -> None:
    """Write the file beside this one."""
    found = {}
    for name, (options, text) in files().items():
        command = ["perl", script, *options]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
        found[name] = {"options": options, "file": text, "report": done.stdout}
    text = json.dumps(found, indent=1) + "\n"
    (HERE / "conlleval.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
