"""Fuzzing by coverage: atheris keeps the inputs that reach new lines, and mutates those.

python tests/torture/guided.py HAZARD SEED SECONDS WORKSHOP      in a process of its own
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from hazard import Hazard, Skipped
from worker import MOST_FAILURES, Outcome

MODULES = ("minner.weights", "minner.scoring", "minner.redact", "minner.text")
"""What is instrumented: the code that reads. The rest is slow enough."""


def run_guided(hazard: Hazard, seed: str, seconds: int) -> Outcome:
    """Fuzz the check of a hazard for some seconds."""
    with tempfile.TemporaryDirectory(prefix="torture-") as workshop:
        command = [sys.executable, __file__, hazard.name, seed, str(seconds), workshop]
        run = subprocess.run(command, capture_output=True, text=True, errors="replace")
    outcome = Outcome()
    if "No module named 'atheris'" in run.stderr:
        outcome.skipped = "atheris is not installed"
    elif (done := re.findall(r"#(\d+)\s+DONE .*?rss: (\d+)Mb", run.stderr)) and not run.returncode:
        outcome.tried, outcome.megabytes = map(int, done[-1])
        outcome.answered = outcome.tried
    else:
        outcome.failures.append((0, (run.stdout + run.stderr)[-4000:]))
    assert len(outcome.failures) <= MOST_FAILURES
    return outcome


def main(name: str, seed: str, seconds: str, workshop: str) -> None:
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
    corpus = Path(workshop) / "corpus"
    corpus.mkdir()
    for number, data in enumerate(module.seeds(prepared)):
        (corpus / str(number)).write_bytes(data)

    def once(data: bytes) -> None:
        with suppress(MinnerError):
            module.check(prepared, data)

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
        f"-artifact_prefix={workshop}/",
    ]
    atheris.Setup(["torture", *options, str(corpus)], once, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
