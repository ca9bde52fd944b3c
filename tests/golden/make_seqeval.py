"""Make what seqeval (1.2.2) says of tags of every scheme, well-formed or not.

    pip install numpy seqeval && python tests/golden/make_seqeval.py

- seqeval.json: per scheme `gold` and `guess`, a random sentence per line, and the reports of
  seqeval about them: `default`, and `strict` with the scheme.
- seqeval_notations.json: the same for tags whose prefix comes last (`suffix`: PER-B) and for labels
  without one (`bare`: PER), of which seqeval takes the first letter for the prefix.
- seqeval.npz: the chunks that seqeval finds in every short sequence of tags, per scheme and mode,
  as `by_word` writes them.
"""

import json
import random
import warnings
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent

PREFIXES = {"IOB1": "IB", "IOB2": "BI", "IOE2": "IE", "IOBES": "IBES", "BILOU": "BILU"}
LABELS = ("PER", "LOC", "work-of-art")

FindChunks = Callable[[list[str]], list[tuple[str, int, int]]]
"""From the tags of a sentence to label, first word and last word of each chunk."""


def random_corpus(
    prefixes: str, seed: int, write: str = "{prefix}-{label}"
) -> tuple[list[list[str]], list[list[str]]]:
    """Return sentences of any tags, well-formed or not, and the same with every fourth changed."""
    rng = random.Random(seed)
    tags = ["O", *(write.format(prefix=p, label=label) for p in prefixes for label in LABELS)]
    gold = [rng.choices(tags, k=rng.randint(1, 9)) for _ in range(60)]
    guess = [[rng.choice(tags) if rng.random() < 0.25 else tag for tag in tags] for tags in gold]
    return gold, guess


def by_word(chunks: FindChunks, prefixes: str) -> np.ndarray:
    """The chunks of every short sequence, uint8 `[sequences, words]`, the shortest first.

    0 stands for a word outside, 1 and 2 for the first word of an X and of a Y, 3 for a word inside.
    """
    longest = 5 if len(prefixes) == 2 else 4
    tags = ["O", *(f"{prefix}-{label}" for prefix in prefixes for label in "XY")]
    rows = []
    for length in range(longest + 1):
        for sequence in product(tags, repeat=length):
            row = np.zeros(longest, dtype=np.uint8)
            for label, first, last in chunks(list(sequence)):
                assert not row[first : last + 1].any()
                row[first] = 1 + "XY".index(label)
                row[first + 1 : last + 1] = 3
            rows.append(row)
    return np.array(rows)


def seqeval_chunks(scheme: str | None) -> FindChunks:
    """What seqeval finds: in its strict mode with a scheme, else in its default mode."""
    import seqeval.scheme  # here: the tests import this file without it
    from seqeval.metrics.sequence_labeling import get_entities

    if scheme is None:
        return get_entities  # type: ignore[no-any-return]
    rules: Any = getattr(seqeval.scheme, scheme)

    def chunks(tags: list[str]) -> list[tuple[str, int, int]]:
        found = seqeval.scheme.Tokens(tags, rules).entities
        return [(entity.tag, entity.start, entity.end - 1) for entity in found]

    return chunks


def reports() -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of seqeval.json."""
    from seqeval import scheme as seqeval_schemes
    from seqeval.metrics import classification_report

    for seed, (scheme, prefixes) in enumerate(PREFIXES.items()):
        gold, guess = random_corpus(prefixes, seed)
        strict = getattr(seqeval_schemes, scheme)
        yield (
            scheme,
            {
                "gold": [" ".join(tags) for tags in gold],
                "guess": [" ".join(tags) for tags in guess],
                "default": classification_report(gold, guess, digits=4),
                "strict": classification_report(
                    gold, guess, digits=4, mode="strict", scheme=strict
                ),
            },
        )


def notations() -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of seqeval_notations.json."""
    from seqeval.metrics import classification_report

    for name, corpora in {
        "suffix": random_corpus("BI", seed=1, write="{label}-{prefix}"),
        "bare": random_corpus("B", seed=2, write="{label}"),
    }.items():
        report = classification_report(*corpora, digits=4, suffix=name == "suffix")
        gold, guess = ([" ".join(tags) for tags in corpus] for corpus in corpora)
        yield name, {"gold": gold, "guess": guess, "default": report}


def main() -> None:
    """Write the files beside this one."""
    warnings.simplefilter("ignore")
    text = json.dumps(dict(notations()), indent=1) + "\n"
    (HERE / "seqeval_notations.json").write_text(text, encoding="utf-8")
    text = json.dumps(dict(reports()), indent=1) + "\n"
    (HERE / "seqeval.json").write_text(text, encoding="utf-8")
    found = {}
    for scheme, prefixes in PREFIXES.items():
        found[f"{scheme} default"] = by_word(seqeval_chunks(None), prefixes)
        found[f"{scheme} strict"] = by_word(seqeval_chunks(scheme), prefixes)
    np.savez_compressed(HERE / "seqeval.npz", **found)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
