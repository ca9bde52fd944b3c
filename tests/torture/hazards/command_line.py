"""The command line, with arguments in any order and number."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import NamedTuple

from checkpoint_files import write_model
from commands import run_command
from texts import ODD, mixture

PROVOKED = (
    "commands, options, values, files and texts, right and wrong, mixed; called in one process"
)
QUICK, LONG = 300, 30_000

COMMANDS = ["tag", "redact", "eval", "diff", "inspect", "convert", "--help", "--version", "tagg"]
OPTIONS = (
    *("--format jsonl", "--format conll", "--format html", "--format nothing", "--threads 1"),
    *("--precision float32", "--precision int4", "--threads 0", "--threads x", "--labels PER"),
    *("--decoder viterbi", "--decoder x", "--min-score 0.5", "--min-score nan", "--numbered", "--"),
    *("-f", "--map", "--restore", "--guess", "-o", "--model", "-", "", "-x", "--no-such-option"),
)


class Prepared(NamedTuple):
    """Where the files are, and their names."""

    folder: Path
    files: list[str]


def prepare(workshop: Path) -> Prepared:
    """A model, texts, a CoNLL file, and what is none of these; outputs go where they lie."""
    model = write_model(workshop).folder
    os.chdir(workshop)
    Path("texts.txt").write_text("\n".join(map(mixture, map(Random, range(5)))), "utf-8", "replace")
    Path("file.conll").write_text("John B-PER B-PER\nSmith I-PER O\n\n")
    Path("binary").write_bytes(bytes(range(256)))
    Path("empty").touch()
    return Prepared(model, ["texts.txt", "file.conll", "binary", "empty", ".", "/dev/null", "none"])


def trial(random: Random, prepared: Prepared) -> None:
    """One call. Its model is always ours: another name would be looked for on the Hub."""
    arguments = [random.choice(COMMANDS)]
    for _ in range(random.randrange(5)):
        arguments += (
            random.choice(OPTIONS).split() if random.random() < 0.6 else [_word(random, prepared)]
        )
    arguments[1:1] = ["--model", str(prepared.folder)]
    run_command(*arguments, stdin=mixture(random).encode("utf-8", "replace"))


def _word(random: Random, prepared: Prepared) -> str:
    """A file or a text, as a process gets it: bytes without NUL, whatever they mean."""
    word = random.choice(
        (*prepared.files, str(prepared.folder), mixture(random), random.choice(ODD))
    )
    return os.fsdecode(word.replace("\0", "").encode("utf-8", "surrogatepass"))
