"""Print a model's figures as Markdown: what MODEL_CARD.md says of it.

Everything is computed by minner, on words as the files split them; `minner eval` prints the same F1
for each file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from calibration import (
    Tagged,
    calibration_error,
    reliability_plot,
    scores_of,
)

import minner
from minner.decoding.chunks import to_iob2
from minner.scoring.conll import read_conll
from minner.scoring.counts import count_phrases, read_phrases, total
from minner.scoring.lengths import by_length
from minner.tagger import Tagger

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from everyday import misread, read_list

Words = list[tuple[str, ...]]
Gold = list[list[str]]
ALL = ("PER", "ORG", "LOC", "MISC")
PLACES = ("PER", "ORG", "LOC")
FILES = {
    "CoNLL-2003 test": ("conll2003/eng.testb", ALL),
    "CoNLL-2003 dev": ("conll2003/eng.testa", ALL),
    "WikiGold": ("wikigold/wikigold.conll.txt", ALL),
    "WikiGold, without MISC": ("wikigold/wikigold.conll.txt", PLACES),
    "Broad Twitter dev": ("btc/btc.dev", PLACES),
    "SEC filings FIN3": ("sec-filings/FIN3.txt", ALL),
}


def read_set(path: Path, change: Callable[[str], str] = str) -> tuple[Words, Gold]:
    """Read a file's words, each changed, and its gold tags in IOB2."""
    sentences = list(read_conll(path))
    words = [tuple(change(word) for word in sentence.words) for sentence in sentences]
    return words, [to_iob2(sentence.tags) for sentence in sentences]


def tag_set(ner: Tagger, data: tuple[Words, Gold], kinds: Sequence[str] = ALL) -> list[Tagged]:
    """Tag a set; tags of other types than ``kinds`` count as O, in gold and guess."""

    def kept(tags: Sequence[str]) -> list[str]:
        return [tag if tag[2:] in kinds else "O" for tag in tags]

    words, gold = data
    tagged = []
    for tags, document in zip(gold, ner.documents(words), strict=True):
        logs = np.log(np.maximum(document.probabilities, 1e-30))
        tagged.append(Tagged(kept(tags), kept(document.tags), logs))
    return tagged


def row(cells: Sequence[object]) -> str:
    """Format a row of a Markdown table."""
    return "| " + " | ".join(f"{c:.2f}" if isinstance(c, float) else str(c) for c in cells) + " |"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Format a Markdown table."""
    return "\n".join([row(head), "|" + "---|" * len(head), *map(row, rows)]) + "\n"


def percents(sentences: Sequence[Tagged]) -> tuple[float, float, float, int]:
    """Return precision, recall and F1 in percent, and the number of entities."""
    pairs = read_phrases([s.gold for s in sentences], [s.guess for s in sentences])
    counts = total(count_phrases(pairs))
    scores = counts.scores()
    return 100 * scores.precision, 100 * scores.recall, 100 * scores.f1, counts.gold


def by_type(sentences: Sequence[Tagged]) -> list[tuple[object, ...]]:
    """Return a row for each type: precision, recall, F1, entities."""
    pairs = read_phrases([s.gold for s in sentences], [s.guess for s in sentences])
    return [
        (kind, *(100 * part for part in counts.scores()), counts.gold)
        for kind, counts in count_phrases(pairs).items()
    ]


def lengths(sentences: Sequence[Tagged]) -> list[tuple[object, ...]]:
    """Return a row for each range of sentence lengths: sentences, entities, F1."""
    gold = [s.gold for s in sentences]
    pairs = read_phrases(gold, [s.guess for s in sentences])
    return [
        (
            f"{group.shortest} to {group.longest}"
            if group.longest
            else f"over {group.shortest - 1}",
            group.sentences,
            group.phrases.gold,
            100 * group.phrases.scores().f1,
        )
        for group in by_length(gold, pairs)
    ]


def everyday(ner: Tagger) -> str:
    """Tell how many everyday sentences are wholly right, and which are not."""

    def names_of(text: str) -> list[tuple[int, int, str]]:
        return [(entity.start, entity.end, entity.label) for entity in ner(text)]

    wrong = misread(names_of)
    lines = [
        f"{len(read_list()) - len(wrong)} of {len(read_list())} everyday sentences wholly right",
        "",
    ]
    for text, _, found in wrong:
        said = ", ".join(f"{text[start:end]} {kind}" for start, end, kind in found) or "nothing"
        lines.append(f"- {text} -> {said}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="folder of all data sets")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--plot", type=Path, help="write the reliability plot here (SVG)")
    args = parser.parse_args()
    ner = minner.load(args.model, precision=args.precision)
    sets = {
        name: tag_set(ner, read_set(args.data / file), kinds)
        for name, (file, kinds) in FILES.items()
    }
    dev = args.data / FILES["CoNLL-2003 dev"][0]
    for name, change in (("upper", str.upper), ("lower", str.lower)):
        sets[f"CoNLL-2003 dev, {name}-cased"] = tag_set(ner, read_set(dev, change))
    head = ("precision", "recall", "F1", "entities")
    print(table(("set", *head), [(name, *percents(tagged)) for name, tagged in sets.items()]))
    for name in ("CoNLL-2003 dev", "CoNLL-2003 test", "WikiGold", "Broad Twitter dev"):
        print(f"{name}, by type:\n\n{table(('type', *head), by_type(sets[name]))}")
    print("CoNLL-2003 test, by length:\n")
    print(table(("words", "sentences", "entities", "F1"), lengths(sets["CoNLL-2003 test"])))
    plotted = ("CoNLL-2003 dev", "WikiGold", "Broad Twitter dev")
    scores = {name: scores_of(sets[name]) for name in plotted}
    errors = [
        (
            name,
            100 * float(found[:, 0].mean()),
            100 * float(found[:, 1].mean()),
            100 * calibration_error(found),
        )
        for name, found in scores.items()
    ]
    print(table(("set", "mean score", "precision", "calibration error"), errors))
    if args.plot:
        args.plot.write_text(reliability_plot(scores), encoding="utf-8")
    print(everyday(ner))


if __name__ == "__main__":
    main()
