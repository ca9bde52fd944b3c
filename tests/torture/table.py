"""The table of docs/reliability.md: what was tried, how often, and what came of it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path

from hazard import Hazard
from worker import Outcome

BEGIN = "<!-- python tests/torture --report writes this table -->"
END = "<!-- end of the table -->"

HEAD = """\
| hazard | how provoked | trials | answered | refused | result | slowest | memory | machine | date |
|---|---|---|---|---|---|---|---|---|---|
"""


def verdict(outcome: Outcome) -> str:
    """What came of it, in a word or two."""
    if outcome.skipped is not None:
        return f"skipped: {outcome.skipped}"
    return f"{len(outcome.failures)} FAILED" if outcome.failures else "held"


def row(hazard: Hazard, outcome: Outcome) -> str:
    """A line of the table."""
    trials = outcome.answered + outcome.refused + len(outcome.failures)
    cells = (
        *(hazard.title, hazard.provoked, f"{trials:,}", f"{outcome.answered:,}"),
        *(f"{outcome.refused:,}", verdict(outcome), f"{outcome.slowest:.2f} s"),
        *(f"{outcome.megabytes} MB", machine(), time.strftime("%Y-%m-%d", time.gmtime())),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def write(path: Path, rows: Mapping[str, str]) -> None:
    """Put rows, by the title of their hazard, into the table of a page; others stay."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no place for the table: {BEGIN} and {END}")
    lines = [line for line in table.strip().splitlines() if line.startswith("| ")][1:]
    kept = {line.split(" | ")[0].removeprefix("| "): line + "\n" for line in lines}
    merged = dict(sorted({**kept, **rows}.items()))
    content = f"{before}{begin}\n\n{HEAD}{''.join(merged.values())}\n{end}{after}"
    path.write_text(content, encoding="utf-8")


def machine() -> str:
    """The processor, and the cores that we may use."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores"
