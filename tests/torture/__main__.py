"""Torture: every hazard we know of, tried again and again, with a seed, a count and a verdict.

    python tests/torture                         a quick pass, some minutes
    python tests/torture --long --report         all trials, hours; writes docs/reliability.md
    python tests/torture --long --keep FILE      goes on from the outcomes in FILE, and adds to them
    python tests/torture weights --trials 10000 --seed mine
    python tests/torture weights --repeat 17     trial 17 alone, in this process
    python tests/torture --guided 600            fuzzers by coverage (atheris), ten minutes each;
                                                 --keep FILE goes on from the inputs found before

Development only: it is not in the wheel. `hazard.py` says what a hazard is; a new one is a file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from math import inf
from pathlib import Path
from random import Random

import worker  # also puts tests/ and the checkout on the path
from guided import run_guided
from hazard import Hazard, load, names
from kept import Kept
from runner import run
from table import row, verdict, write

PAGE = worker.ROOT / "docs" / "reliability.md"


def main() -> int:
    """Run what the command line asks for; 1 if a hazard did harm."""
    options = _parse()
    hazards = [load(name) for name in options.hazards or names()]
    if options.repeat is not None:
        _repeat(hazards[0], options.seed, options.repeat)
        return 0
    failed, kept = False, Kept(options.keep)
    for hazard in hazards:
        if options.guided and not hazard.is_fuzzer:
            continue
        start = time.monotonic()
        outcome = _try(hazard, options, kept)
        _tell(hazard, options.seed, outcome, time.monotonic() - start)
        failed |= bool(outcome.failures)
        if options.report and outcome.skipped is None:
            write(PAGE, row(hazard, outcome, guided=bool(options.guided)))
    return int(failed)


def _try(hazard: Hazard, options: argparse.Namespace, kept: Kept) -> worker.Outcome:
    if options.guided:
        return _try_guided(hazard, options, kept)
    count = options.trials or (hazard.long if options.long else hazard.quick)
    before = kept.outcome(hazard.name, options.seed)
    outcome = run(hazard, options.seed, count, before, options.seconds)
    kept.keep(hazard.name, options.seed, outcome)
    return outcome


def _try_guided(hazard: Hazard, options: argparse.Namespace, kept: Kept) -> worker.Outcome:
    corpus = options.keep and options.keep.with_suffix(".corpus") / hazard.name
    name = f"{hazard.name}, by coverage"
    before = kept.outcome(name, options.seed)
    outcome = run_guided(hazard, options.seed, options.guided, before, corpus)
    kept.keep(name, options.seed, outcome)
    return outcome


def _repeat(hazard: Hazard, seed: str, number: int) -> None:
    with tempfile.TemporaryDirectory() as workshop:
        hazard.trial(Random(f"{seed}/{hazard.name}/{number}"), hazard.prepare(Path(workshop)))


def _tell(hazard: Hazard, seed: str, outcome: worker.Outcome, seconds: float) -> None:
    """Print a line, and the story of each failure."""
    tried = f"{outcome.answered:,} answered, {outcome.refused:,} refused"
    print(
        f"{hazard.name:24} {verdict(outcome):12} {tried}, {outcome.megabytes} MB, {seconds:.0f} s"
    )
    for number, story in outcome.failures:
        print(f"\n{hazard.name} --seed {seed} --repeat {number}\n{story}\n")
    sys.stdout.flush()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/torture", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("hazards", nargs="*", metavar="HAZARD", help=", ".join(names()))
    parser.add_argument(
        "--long", action="store_true", help="all trials, not the few of a quick pass"
    )
    parser.add_argument("--trials", type=int, help="so many of each")
    parser.add_argument("--seconds", type=float, default=inf, help="of each at most, for now")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="of outcomes, to go on later")
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
