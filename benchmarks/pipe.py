"""How much of the native call's speed reaches users: `ner.pipe`, and `minner tag -f` as a process.

Each round times, over the same texts and one after the other: the forward pass alone, over
wordpieces that are ready; `ner.pipe`, of a model that was loaded just now, with its tokenizer, and
so knows no word yet; and `minner tag -f FILE --format jsonl`, less what the same command takes for
the first FEW texts, after which all is loaded.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import minner
from benchmarks.machine import describe
from benchmarks.serve import sentences, spread

SEQUENCES_PER_CALL = 256

FEW = 4
"""Texts after which a process has loaded all that it loads: its second batch has two."""


def main() -> None:
    """Run the rounds that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a sentence a line, or CoNLL")
    parser.add_argument("--precision", default="int8", help="of the model")
    parser.add_argument("--threads", type=int, default=2, help="of the model")
    parser.add_argument("--rounds", type=int, default=15, help="of all three")
    parser.add_argument("--output", type=Path, help="where the JSON goes; stdout where left out")
    options = parser.parse_args()
    text = json.dumps(measure(options), indent=1) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Rates and shares, over all rounds."""
    texts = list(sentences(options.data))
    load: dict[str, Any] = {"precision": options.precision, "threads": options.threads}
    forward = forward_alone(minner.load(**load), texts)
    forward()
    rates: dict[str, list[float]] = {"native": [], "pipe": [], "tag": []}
    with tempfile.TemporaryDirectory() as folder:
        whole, few = Path(folder) / "whole.txt", Path(folder) / "few.txt"
        whole.write_text("\n".join(texts) + "\n", encoding="utf-8")
        few.write_text("\n".join(texts[:FEW]) + "\n", encoding="utf-8")
        for _ in range(options.rounds):
            rates["native"].append(len(texts) / seconds(forward))
            ner = minner.load(**load)
            ner(["The tokenizer is loaded.", "The team's threads start."])
            rates["pipe"].append(len(texts) / seconds(lambda ner=ner: list(ner.pipe(iter(texts)))))
            begins = seconds(lambda: tag(few, options))
            rates["tag"].append(
                (len(texts) - FEW) / (seconds(lambda: tag(whole, options)) - begins)
            )
    shares = {
        name: spread([a / b for a, b in zip(rates[name], rates["native"], strict=True)])
        for name in ("pipe", "tag")
    }
    return {
        "machine": describe(),
        "settings": {name: str(value) for name, value in vars(options).items()},
        "texts_per_second": {name: spread(values) for name, values in rates.items()},
        "share_of_native": shares,
    }


def forward_alone(ner: Any, texts: Sequence[str]) -> Callable[[], None]:
    """The forward pass over all texts, their wordpieces ready, as `ner.pipe` asks for it."""
    documents = list(ner.documents(texts))
    assert all(len(document.windows) <= 1 for document in documents), "these texts are long"
    rows = [document.wordpieces.first()[1] + 1 for document in documents]
    ids = [ner._reader.input_ids(document.wordpieces.ids) for document in documents]

    def run() -> None:
        for first in range(0, len(ids), SEQUENCES_PER_CALL):
            some = slice(first, first + SEQUENCES_PER_CALL)
            ner._reader.engine.logits(ids[some], rows[some])

    return run


def tag(path: Path, options: argparse.Namespace) -> None:
    """A process that tags a file."""
    command = [
        *(sys.executable, "-m", "minner", "tag", "-f", str(path), "--format", "jsonl"),
        *("--precision", options.precision, "--threads", str(options.threads)),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def seconds(call: Callable[[], Any]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
