"""From the start of a process to the entities of one short sentence, caches warm.

Each program in `starts/` is run in turn, again and again; its wall time counts from before the
process exists until it has ended, and its memory is the peak that the kernel reports for it.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from benchmarks.machine import ROOT, describe
from benchmarks.model import Model, find_model
from benchmarks.options import count_rounds, shared_options
from benchmarks.report import Table, finish, spread
from minner.bench.timing import ratios

TEXT = "My name is John Smith and I work at Acme in Berlin ."
STARTS = Path(__file__).parent / "starts"
BASE = "minner"

FORMS = {"float32": ("fused", "mapped"), "int8": ("fused-int8", "mapped-int8")}
"""Precision -> what ONNX Runtime reads: one file, and one with its weights in a file of their own.
(It runs bfloat16 on no CPU.)"""


class Run(NamedTuple):
    """What one process took."""

    seconds: float
    peak_mib: float
    entities: list[list[str | int]]


def main() -> None:
    """Measure what the command line asks for."""
    parser = shared_options(__doc__, rounds=20, minutes=2, output="startup.json")
    parser.add_argument("--precision", choices=FORMS, default="float32", help="of all programs")
    options = parser.parse_args()
    machine, model = describe(), find_model(options, FORMS[options.precision])
    programs = commands(model, options.threads, options.precision)

    for _ in range(2):  # the first start fills the caches, and the second shows that it did
        found = {name: start(command).entities for name, command in programs.items()}
    if any(entities != found[BASE] for entities in found.values()):
        raise SystemExit(f"the programs do not agree: {found}")
    runs: dict[str, list[Run]] = {name: [] for name in programs}
    for number in count_rounds(options):
        names = list(programs)
        first = number % len(names)
        for name in names[first:] + names[:first]:
            runs[name].append(start(programs[name]))

    seconds = {name: [run.seconds for run in row] for name, row in runs.items()}
    memory = {name: [run.peak_mib for run in row] for name, row in runs.items()}
    measurements = {"text": TEXT, "entities": found[BASE], "seconds": seconds, "peak_mib": memory}
    table = start_table(seconds, memory, options.precision)
    finish("startup", vars(options), machine, [table], measurements, options.output)


def commands(model: Model, threads: int, precision: str) -> dict[str, list[str]]:
    """The programs by name."""
    ours = [STARTS / "minner_start.py", TEXT, model.checkpoint, threads, precision]
    peers = peer_set_ups(model, threads, *map(model.path, FORMS[precision]))
    return {BASE: [sys.executable, *map(str, ours)], **peers}


def peer_set_ups(model: Model, threads: int, one_file: Path, mapped: Path) -> dict[str, list[str]]:
    """ONNX Runtime in three set-ups.

    It starts fastest with its weights in a file of their own, which it maps, and without
    rearranging them for faster products.
    """

    def peer(onnx: Path, *entries: str) -> list[str]:
        program = STARTS / "onnxruntime_start.py"
        arguments = program, TEXT, model.checkpoint, onnx, threads
        return [sys.executable, *map(str, arguments), *entries]

    return {
        "onnxruntime, one file": peer(one_file),
        "onnxruntime, mapped weights": peer(mapped),
        "onnxruntime, mapped weights, not prepacked": peer(mapped, "session.disable_prepacking=1"),
    }


def start(command: list[str], variables: Mapping[str, str] = MappingProxyType({})) -> Run:
    """Run a program to its end; `variables` go into its environment."""
    # Measures this checkout's minner; compiled to bytecode, as what is installed always is.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
    environment.update(variables)
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit status {process.returncode} of {command}")
    # Linux lets a new process inherit the peak of the one that started it.
    if usage.ru_maxrss <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        raise SystemExit("this process is larger than those it measures")
    return Run(seconds, usage.ru_maxrss / 1024, json.loads(output))


def start_table(
    seconds: dict[str, list[float]], memory: dict[str, list[float]], precision: str
) -> Table:
    """Wall time and memory of each program."""
    rows = [
        [
            name,
            spread(times),
            spread(ratios(times, seconds[BASE])) if name != BASE else "",
            f"{statistics.median(memory[name]):.0f}",
        ]
        for name, times in seconds.items()
    ]
    title = (
        f"Process start to entities of one sentence, {precision}, warm caches, "
        f"{len(seconds[BASE])} rounds: median, in brackets the 10th and 90th percentile"
    )
    return Table(title, ["program", "seconds", f"times as long as {BASE}", "peak MiB"], rows)


if __name__ == "__main__":
    main()
