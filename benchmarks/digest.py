"""A digest of what minner computes, to tell whether two versions give the same bits.

    python benchmarks/digest.py > after.txt
    PYTHONPATH=../other-checkout python benchmarks/digest.py > before.txt
    diff before.txt after.txt

The inputs are always those of this file: the sentences of `digest.txt`, and random token ids. The
models are the embedded one and a random checkpoint whose sizes are no multiples of anything. Every
instruction set that this machine can stand in for runs in a process of its own, with a cache of its
own: below MINNER_CACHE_DIR, or in a temporary directory where that is not set.

A line of output names the instruction set, the precision and the model. It ends with digests of the
logits, the tags of words and the entities with their offsets and scores. Bits differ between
instruction sets and, in bfloat16 and int8, between processors, so compare runs of one machine only.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "tests"))  # their helpers import nothing of minner

from checkpoints import write_checkpoint  # noqa: E402
from instruction_sets import INSTRUCTION_SETS, host_sets  # noqa: E402

PRECISIONS = ("float32", "bfloat16", "int8")
ACTIVATIONS = ("gelu_new", "relu", "silu")
"""Those that the embedded model does not have; names of config.json."""

AWKWARD = {"dim": 90, "n_heads": 3, "n_layers": 3, "hidden_dim": 203, "max_positions": 61}
"""Sizes of the random checkpoint: heads of 30, and the last panel of every layer is not full."""

LENGTHS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 47, 61)
"""Tokens of the random sequences."""

SMALLEST_VOCABULARY = 150
"""Random token ids are below this, so that both models have them."""


# ---- one instruction set, in a process of its own -----------------------------------------------


def digest_models(directory: Path, all_activations: bool) -> Iterator[str]:
    """Yield a line for every model and precision.

    Args:
        directory: where the random checkpoints may be written.
        all_activations: whether the activations other than GELU have a turn, too, in float32.
    """
    awkward = write_checkpoint(directory / "awkward", seed=7, **AWKWARD)
    for precision in PRECISIONS:
        yield digest_model("embedded", None, precision)
        yield digest_model("awkward", awkward, precision)
    for activation in ACTIVATIONS if all_activations else ():
        path = write_checkpoint(directory / activation, seed=8, activation=activation, **AWKWARD)
        yield digest_model(f"awkward-{activation}", path, "float32")


def digest_model(name: str, path: Path | None, precision: str) -> str:
    """Run everything once on two threads; returns the line without the instruction set."""
    import minner  # here: the parent process needs none

    ner = minner.load(path, precision=precision, threads=2)
    sentences = (HERE / "digest.txt").read_text(encoding="ascii").splitlines()
    texts = [*sentences, " ".join(sentences), " ".join(reversed(sentences))]
    tags = [ner.tag(sentence.split()) for sentence in sentences]
    tags += ner.tag([text.split() for text in texts])
    found = [*map(ner, sentences[:8]), *ner(texts)]
    entities = [
        (entity.text, entity.label, entity.start, entity.end, entity.score.hex())
        for document in found
        for entity in document
    ]
    logits = [array for batch in id_batches() for array in ner.logits(batch)]
    digests = {
        "logits": short_digest(array.tobytes() for array in logits),
        "tags": short_digest([repr(tags).encode()]),
        "entities": short_digest([repr(entities).encode()]),
    }
    return " ".join([f"{precision:8} {name:16}", *(f"{k}={v}" for k, v in digests.items())])


def id_batches() -> Iterator[list[NDArray[np.int32]]]:
    """Every random sequence alone, all together, and many short ones."""
    random = np.random.default_rng(0)
    sequences = [random.integers(0, SMALLEST_VOCABULARY, n).astype(np.int32) for n in LENGTHS]
    yield from ([ids] for ids in sequences)
    yield sequences
    yield sequences[3:6] * 25


def short_digest(parts: Iterable[bytes]) -> str:
    """The beginning of a SHA-256."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]


# ---- all instruction sets -----------------------------------------------------------------------


def main() -> None:
    """Start a process for each instruction set and print what they print."""
    parser = argparse.ArgumentParser(description="Print a digest of logits, tags and entities.")
    names = [one.name for one in host_sets()]
    parser.add_argument("--sets", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--one", choices=[one.name for one in INSTRUCTION_SETS], help="internal")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if options.one:
            for line in digest_models(Path(temporary), options.one == names[0]):
                print(f"{options.one:26} {line}", flush=True)
            return
        base = Path(os.environ.get("MINNER_CACHE_DIR") or temporary)
        for one in host_sets():
            if one.name in options.sets:
                cache = {"MINNER_CACHE_DIR": str(base / one.name.replace(" ", "-"))}
                command = [sys.executable, __file__, "--one", one.name]
                environment = os.environ | one.environment() | cache
                subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    main()
