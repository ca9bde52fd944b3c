"""What every benchmark does with its numbers: tables to read, and one JSON file to keep.

The JSON holds every single measurement besides the tables, so that nobody has to believe the
choice of a statistic.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import ROOT
from minner.bench import timing


class Table(NamedTuple):
    """A title, the names of the columns, and rows of finished cells."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Lay the table out so that it reads well as plain text and as Markdown."""
        lines = [self.header, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        ruled = [self.header, ["-" * width for width in widths], *self.rows]
        rows = [
            " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            for line in ruled
        ]
        return f"{self.title}\n\n" + "\n".join(f"| {row} |" for row in rows) + "\n"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Format the median and, in brackets, the 10th and 90th percentile."""
    return timing.spread(values).text(digits)


def finish(
    kind: str,
    settings: dict[str, Any],
    machine: dict[str, Any],
    tables: Sequence[Table],
    measurements: Any,
    output: Path,
) -> None:
    """Print the tables, and write everything to a JSON file.

    Args:
        kind: name of the benchmark's module.
        settings: the values of all its options.
        machine: what `machine.describe` said before the first measurement.
        tables: the results to read.
        measurements: every single figure, in any form that JSON can hold.
        output: the file.
    """
    for table in tables:
        print(f"\n{table.markdown()}")
    content = {
        "benchmark": kind,
        "command": shlex.join(["python", "-m", f"benchmarks.{kind}", *_repeatable(sys.argv[1:])]),
        "settings": {name: _plain(v) for name, v in settings.items() if name != "work"},
        "machine": machine,
        "tables": [table.markdown().splitlines() for table in tables],
        "measurements": measurements,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"kept in {output}")


def progress(text: str) -> None:
    """Show where a long measurement stands."""
    print(text, file=sys.stderr, flush=True)


def _repeatable(arguments: Sequence[str]) -> list[str]:
    """The arguments without `--work PLACE`, which is of no use on another machine."""
    pairs = zip(["", *arguments], arguments, strict=False)
    return [here for before, here in pairs if "--work" not in (before, here)]


def _plain(value: Any) -> Any:
    """What JSON can hold; of a file, no more than its place beside the checkout."""
    return os.path.relpath(value, ROOT) if isinstance(value, Path) else value
