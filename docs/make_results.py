"""Write `docs/results.md` from the measurements in `benchmarks/results/`.

Every figure on that page comes from a JSON file that a benchmark has written; nothing is typed by
hand. Run: `python docs/make_results.py`.
"""

from __future__ import annotations

import argparse
import ast
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ORDER = (
    "habits",
    "accuracy",
    "race",
    "text",
    "startup",
    "install",
    "tuning",
    "flatness",
    "batching",
    "plan",
    "scaling",
)

TOP = """# Results

Made by `docs/make_results.py` from the files in `benchmarks/results/`, which hold every single
measurement; `benchmarks/README.md` says how to repeat them and what they do not show. The
machines are shared and noisy: a ratio within one run means something, milliseconds of different
runs do not compare.

An F1 of about 94.1 on dev and 89.0 on test is that of an earlier embedded model; `docs/accuracy.md`
has those of the present one.
"""


def page(results: Path) -> str:
    """Return the page for all JSON files of a folder."""
    runs = [(path, json.loads(path.read_text(encoding="utf-8"))) for path in results.glob("*.json")]
    runs.sort(key=lambda run: (_place(run[1]["benchmark"]), run[0].name))
    return "\n".join([TOP, *(section(path, run) for path, run in runs)])


def section(path: Path, run: dict[str, Any]) -> str:
    """Return what one run of a benchmark found, on what machine, and its command."""
    lines = [f"## {path.stem}", "", _summary(run["benchmark"]), ""]
    plot = path.with_suffix(".svg")
    if plot.is_file():
        lines += [f"![{path.stem}](../benchmarks/results/{plot.name})", ""]
    for table in run["tables"]:
        lines += [*table, ""]
    return "\n".join([*lines, *_machine(run["machine"]), "", f"    {run['command']}", ""])


def _place(benchmark: str) -> int:
    return ORDER.index(benchmark) if benchmark in ORDER else len(ORDER)


def _summary(benchmark: str) -> str:
    """The first paragraph of what the benchmark says about itself."""
    source = (ROOT / "benchmarks" / f"{benchmark}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0]


def _machine(machine: dict[str, Any]) -> list[str]:
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return [
        f"- {machine['cpu']}{' (virtual)' if machine['virtual'] else ''}, {machine['cores']} "
        f"cores, {caches}, {machine['memory_gib']} GiB",
        f"- {' '.join(machine['flags'])}; minner used vectors of {machine['lanes']} float32",
        f"- Linux {machine['kernel']}, Python {machine['python']}, {packages}",
        f"- {machine['date']}, commit {machine['commit']}, load average before the run "
        f"{machine['load_average']}",
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "results.md")
    options = parser.parse_args()
    options.output.write_text(page(options.results), encoding="utf-8")
