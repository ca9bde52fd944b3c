"""Make seqeval.json: random tags of every scheme, and the reports of seqeval about them.

    pip install seqeval && python tests/golden/make_seqeval.py

Each entry holds `gold` and `guess`, a sentence per line, and what seqeval prints: `default`, and
`strict` with the entry's scheme.
"""

import json
import random
import warnings
from pathlib import Path

PREFIXES = {"IOB1": "IB", "IOB2": "BI", "IOE2": "IE", "IOBES": "IBES", "BILOU": "BILU"}
LABELS = ("PER", "LOC", "work-of-art")


def random_corpus(prefixes: str, seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """Return sentences of any tags, well-formed or not, and the same with every fourth changed."""
    rng = random.Random(seed)
    tags = ["O", *(f"{prefix}-{label}" for prefix in prefixes for label in LABELS)]
    gold = [rng.choices(tags, k=rng.randint(1, 9)) for _ in range(60)]
    guess = [[rng.choice(tags) if rng.random() < 0.25 else tag for tag in tags] for tags in gold]
    return gold, guess


def main() -> None:
    """Write seqeval.json beside this file."""
    from seqeval import scheme as seqeval_schemes  # here: the tests import this file without it
    from seqeval.metrics import classification_report

    warnings.simplefilter("ignore")
    entries = {}
    for scheme, prefixes in PREFIXES.items():
        gold, guess = random_corpus(prefixes, seed=len(entries))
        strict = getattr(seqeval_schemes, scheme)
        entries[scheme] = {
            "gold": [" ".join(tags) for tags in gold],
            "guess": [" ".join(tags) for tags in guess],
            "default": classification_report(gold, guess, digits=4),
            "strict": classification_report(gold, guess, digits=4, mode="strict", scheme=strict),
        }
    text = json.dumps(entries, indent=1) + "\n"
    (Path(__file__).parent / "seqeval.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
