"""The ladder of the matrix product: every step gives the product, and the bench runs them all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from difflib import unified_diff
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
LADDER = ROOT / "docs" / "course" / "ladder"
STEPS = sorted(path.stem for path in LADDER.glob("step*.py"))

sys.path.insert(0, str(LADDER))
oracle = import_module("oracle")


def operands(rows: int, columns: int, depth: int) -> tuple[Any, Any]:
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(rows, depth)).astype(np.float32)
    return x, numbers.normal(size=(columns, depth)).astype(np.float32)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (7, 70, 300), (33, 130, 257)], ids=str)
@pytest.mark.parametrize("name", STEPS)
def test_a_step_gives_the_product(name: str, sizes: tuple[int, int, int]) -> None:
    step = import_module(name)
    if why := getattr(step, "SKIPPED", ""):
        pytest.skip(why)
    assert oracle.complaint(step, *operands(*sizes)) is None


def wrong(change: Any, rounding: str = "float32") -> Any:
    """A step that computes in float64 and then changes its operands or rounds them."""

    def product(x: Any, weight: Any) -> Any:
        return (change(x.astype(float)) @ change(weight.astype(float)).T).astype(np.float32)

    return SimpleNamespace(
        prepare=lambda *both: both, product=product, ROUNDING=rounding, __name__="wrong"
    )


def without_last(values: Any) -> Any:
    return values[:, :-1]


def in_bfloat16(values: Any) -> Any:
    """As the step rounds it."""
    dwords = import_module("step10_bfloat16").pairs(values.astype(np.float32))
    upper = dwords.view(np.uint16).astype(np.uint32) << 16
    return upper.view(np.float32)[:, : values.shape[1]]


@pytest.mark.parametrize(
    ("change", "rounding", "passes"),
    [
        (lambda values: values, "float32", True),
        (without_last, "float32", False),
        (without_last, "bfloat16", False),
        (without_last, "int8", False),
        (in_bfloat16, "bfloat16", True),
        (in_bfloat16, "float32", False),
        (lambda values: values * (1 - 2.0**-7), "bfloat16", False),
    ],
)
def test_the_oracle_knows_wrong_results(change: Any, rounding: str, passes: bool) -> None:
    said = oracle.complaint(wrong(change, rounding), *operands(16, 32, 64))
    assert (said is None) == passes
    assert said is None or re.fullmatch(r"\d+ of 512 results are wrong", said)


BEFORE = {"step10": "step08", "step11": "step08", "step12": "step10"}
"""Where a step goes on from another than the one before it."""


@pytest.mark.parametrize(("before", "step"), list(pairwise(STEPS)), ids=lambda name: name[:6])
def test_a_step_is_a_small_change(before: str, step: str) -> None:
    """Some tens of lines at most: nobody stands before a cliff."""
    if step[:6] in BEFORE:
        before = next(name for name in STEPS if name.startswith(BEFORE[step[:6]]))
    old, new = ((LADDER / f"{name}.py").read_text("utf-8").splitlines() for name in (before, step))
    added = [line for line in unified_diff(old, new, n=0) if re.match(r"\+(?!\+\+)", line)]
    assert len(added) <= 50
    assert len(new) <= 100


COMPILE = """
import sys
from minner.kernels.codegen.cross import pretend
pretend("x86_64")
sys.path.insert(0, sys.argv[1])
from numba import float32
import step12_matrix_registers as step
assert not step.SKIPPED
step.product.compile((float32[:, ::1], float32[:, :, ::1]))
[assembly] = step.product.inspect_asm().values()
print(assembly.count("tdpbf16ps"))
"""


def test_the_step_of_matrix_registers_compiles_anywhere() -> None:
    """Where there is no AMX nobody runs it: four sums are four instructions, in each copy."""
    features = "+avx512f,+avx512bw,+avx512vl,+avx512bf16,+amx-tile,+amx-bf16,+amx-int8"
    run = subprocess.run(
        [sys.executable, "-c", COMPILE, LADDER],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "NUMBA_CPU_NAME": "sapphirerapids",
            "NUMBA_CPU_FEATURES": features,
        },
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 0
    assert int(run.stdout) % 4 == 0


def test_the_bench_has_a_line_for_each_step(tmp_path: Path) -> None:
    sizes = ["--rows", "4", "--columns", "32", "--depth", "32", "--rounds", "1"]
    run = subprocess.run(
        [sys.executable, LADDER / "bench.py", *sizes, "--output", tmp_path / "here.json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    head, *lines = run.stdout.splitlines()
    assert re.search(r": at most \d+ GFLOP/s a core in float32$", head)
    assert [line.split()[0] for line in lines] == STEPS
    assert all(re.search(r"\d\.\d GFLOP/s +\d+\.\d%$| skipped: ", line) for line in lines)
    assert (tmp_path / "here.json").is_file()
