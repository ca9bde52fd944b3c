"""Torture: every hazard we know of, tried again and again, with a seed, a count and a verdict.

    python tests/torture                         a quick pass, some minutes
    python tests/torture --long --report         all trials, hours; writes docs/reliability.md
    python tests/torture weights --trials 10000 --seed mine
    python tests/torture weights --repeat 17     trial 17 alone, in this process
    python tests/torture --guided 600            fuzzers by coverage (atheris), ten minutes each

Development only: it is not in the wheel. `hazard.py` says what a hazard is; a new one is a file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import worker  # also puts tests/ and the checkout on the path
from guided import run_guided
from hazard import load, names
from runner import run
from table import row, verdict, write

PAGE = worker.ROOT / "docs" / "reliability.md"


def main() -> int:
    """Run what the command line asks for; 1 if a hazard did harm."""
    options = _parse()
    if options.repeat is not None:
        with tempfile.TemporaryDirectory() as workshop:
            hazard = load(options.hazards[0])
            random = Random(f"{options.seed}/{hazard.name}/{options.repeat}")
            hazard.trial(random, hazard.prepare(Path(workshop)))
        return 0
    failed, rows = False, {}
    for name in options.hazards or names():
        hazard = load(name)
        if options.guided and not hazard.is_fuzzer:
            continue
        start = time.monotonic()
        if options.guided:
            outcome = run_guided(hazard, options.seed, options.guided)
        else:
            count = hazard.long if options.long else hazard.quick
            outcome = run(hazard, options.seed, options.trials or count)
        seconds = time.monotonic() - start
        tried = f"{outcome.answered:,} answered, {outcome.refused:,} refused"
        print(f"{name:24} {verdict(outcome):12} {tried}, {outcome.megabytes} MB, {seconds:.0f} s")
        for number, story in outcome.failures:
            print(f"\n{name} --seed {options.seed} --repeat {number}\n{story}\n")
        sys.stdout.flush()
        failed |= bool(outcome.failures)
        if outcome.skipped is None:
            rows[hazard.title] = row(hazard, outcome)
    if options.report:
        write(PAGE, rows)
    return int(failed)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/torture", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("hazards", nargs="*", metavar="HAZARD", help=", ".join(names()))
    parser.add_argument(
        "--long", action="store_true", help="all trials, not the few of a quick pass"
    )
    parser.add_argument("--trials", type=int, help="so many of each")
    parser.add_argument("--seed", default="0", help="of all random numbers (default: 0)")
    parser.add_argument("--repeat", type=int, metavar="N", help="run trial N of one hazard, here")
    parser.add_argument("--guided", type=int, metavar="SECONDS", help="fuzz by coverage")
    parser.add_argument(
        "--report", action="store_true", help="write the table of docs/reliability.md"
    )
    options = parser.parse_args()
    unknown = set(options.hazards) - set(names())
    if unknown or (options.repeat is not None and len(options.hazards) != 1):
        parser.error(f"choose from: {', '.join(names())}; one of them for --repeat")
    return options


if __name__ == "__main__":
    sys.exit(main())
