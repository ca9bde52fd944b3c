"""The table of docs/reliability.md: what was tried, how often, and what came of it."""

from __future__ import annotations

import os
import platform
import time
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


def row(hazard: Hazard, outcome: Outcome, guided: bool = False) -> str:
    """A line of the table; a fuzzer has another for what coverage guided."""
    cells = (
        *(hazard.title + ", by coverage" * guided, hazard.provoked, f"{outcome.tried:,}"),
        *(f"{outcome.answered:,}", f"{outcome.refused:,}", verdict(outcome)),
        *(f"{outcome.slowest:.2f} s", f"{outcome.megabytes} MB", machine()),
        time.strftime("%Y-%m-%d", time.gmtime()),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def write(path: Path, row: str) -> None:
    """Put a row into the table of a page, in the place of the one of the same title."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no place for the table: {BEGIN} and {END}")
    lines = [line for line in table.strip().splitlines() if line.startswith("| ")][1:]
    rows = {_title(line): line + "\n" for line in lines} | {_title(row): row}
    merged = "".join(rows[title] for title in sorted(rows))
    path.write_text(f"{before}{begin}\n\n{HEAD}{merged}\n{end}{after}", encoding="utf-8")


def _title(row: str) -> str:
    return row.split(" | ")[0].removeprefix("| ")


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
    return f"{model}, {cores} core{'s' * (cores != 1)}"
