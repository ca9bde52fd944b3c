"""Fuzzing by coverage: atheris keeps the inputs that reach new lines, and mutates those.

python tests/torture/guided.py HAZARD SEED SECONDS WORKSHOP CORPUS      in a process of its own
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from hazard import Hazard, Skipped
from runner import add
from worker import Outcome

MODULES = ("minner.weights", "minner.scoring", "minner.redact", "minner.text")
"""What is instrumented: the code that reads. The rest is slow enough."""

_NOTES = struct.Struct("<Qd")
"""How many inputs were refused, and the CPU seconds of the slowest one."""


def run_guided(
    hazard: Hazard, seed: str, seconds: int, before: Outcome, corpus: Path | None
) -> Outcome:
    """Fuzz the check of a hazard.

    Args:
        hazard: what is fuzzed.
        seed: of the random numbers.
        seconds: for which to go on.
        before: what came of earlier seconds.
        corpus: the folder of the inputs that have reached new lines, if it is kept.
    """
    with tempfile.TemporaryDirectory(prefix="torture-") as workshop:
        inputs = corpus or Path(workshop, "corpus")
        arguments = hazard.name, f"{seed}/{before.tried}", str(seconds), workshop, str(inputs)
        command = [sys.executable, __file__, *arguments]
        run = subprocess.run(command, capture_output=True, text=True, errors="replace")
        notes = Path(workshop, "notes")
        refused, slowest = _NOTES.unpack(notes.read_bytes()) if notes.exists() else (0, 0.0)
    outcome = Outcome(refused=refused, slowest=slowest)
    if "No module named 'atheris'" in run.stderr:
        outcome.skipped = "atheris is not installed"
    elif (done := re.findall(r"#(\d+)\s+DONE .*?rss: (\d+)Mb", run.stderr)) and not run.returncode:
        outcome.tried, outcome.megabytes = map(int, done[-1])
        outcome.answered = outcome.tried - refused
    else:
        outcome.refused = 0  # nobody knows of how many
        outcome.failures.append((0, (run.stdout + run.stderr)[-4000:]))
    return add(before, outcome)


def main(name: str, seed: str, seconds: str, workshop: str, inputs: str) -> None:
    """Fuzz in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=list(MODULES)):
        import hazard as hazards

        from minner import MinnerError

        hazard = hazards.load(name)
    module: Any = hazard.module
    try:
        prepared = hazard.prepare(Path(workshop))
    except Skipped:
        return
    corpus = Path(inputs)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(module.seeds(prepared)):
        (corpus / str(number)).write_bytes(data)

    notes = os.open(Path(workshop) / "notes", os.O_WRONLY | os.O_CREAT)
    refused, slowest = 0, 0.0

    def once(data: bytes) -> None:
        nonlocal refused, slowest
        start = time.process_time()
        try:
            module.check(prepared, data)
        except MinnerError:
            refused += 1
        slowest = max(slowest, time.process_time() - start)
        os.pwrite(notes, _NOTES.pack(refused, slowest), 0)  # this process ends without a word

    def mutate(data: bytes, most: int, number: int) -> bytes:
        random = Random(number)
        if random.random() < 0.5:
            return bytes(atheris.Mutate(data, most))
        return module.mutate(random, bytes(data))[:most]

    options = [f"-max_total_time={seconds}", f"-seed={Random(seed).randrange(1, 1 << 31)}"]
    options += [
        "-max_len=65536",
        "-timeout=60",
        "-rss_limit_mb=1500",
        # It stays when all else goes; the story names it.
        f"-artifact_prefix={tempfile.gettempdir()}/torture-{name}-",
    ]
    atheris.Setup(["torture", *options, str(corpus)], once, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
