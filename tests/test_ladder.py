"""The ladder of the matrix product: every step gives the product, and the bench runs them all."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

LADDER = Path(__file__).parents[1] / "docs" / "course" / "ladder"
STEPS = sorted(path.stem for path in LADDER.glob("step*.py"))

sys.path.insert(0, str(LADDER))


@pytest.mark.parametrize(("rows", "columns", "depth"), [(1, 1, 1), (7, 70, 300), (33, 130, 257)])
@pytest.mark.parametrize("name", STEPS)
def test_a_step_gives_the_product(name: str, rows: int, columns: int, depth: int) -> None:
    """Compared with float64; a sum of float32 is off by some of its last bits."""
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(rows, depth)).astype(np.float32)
    weight = numbers.normal(size=(columns, depth)).astype(np.float32)
    step = import_module(name)
    out = step.product(x, step.prepare(weight))
    assert out.dtype == np.float32
    bound = depth * 2.0**-24 * (np.abs(x).astype(float) @ np.abs(weight.T)) + 1e-30
    assert (np.abs(out - x.astype(float) @ weight.T) <= bound).all()


def test_the_bench_has_a_line_for_each_step() -> None:
    sizes = ["--rows", "4", "--columns", "32", "--depth", "32", "--rounds", "1"]
    run = subprocess.run(
        [sys.executable, LADDER / "bench.py", *sizes],
        cwd=LADDER.parents[2],
        env={"PYTHONPATH": str(LADDER.parents[2])},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert [line.split()[0] for line in run.stdout.splitlines()] == STEPS
    assert all(re.search(r"\d+\.\d\d GFLOP/s$", line) for line in run.stdout.splitlines())


def test_every_step_is_on_the_page() -> None:
    page = (LADDER / "index.md").read_text(encoding="utf-8")
    assert re.findall(r"\((step\w+)\.py\)", page) == STEPS
