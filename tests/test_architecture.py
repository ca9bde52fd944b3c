"""The borders that ARCHITECTURE.md draws: what may import what, and what is in the package."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "leaf": {"leaf"},
    "kernels": {"kernels", "leaf"},
    "weights": {"weights", "kernels", "leaf"},
    "minner": {"minner", "weights", "kernels", "leaf"},
}
"""Area -> the areas that its modules may import."""

MOST_LINES = 300
"""Of a file: as many as one reads in a sitting."""


def sources() -> dict[str, Path]:
    """The file of each module by its name, such as `minner.kernels.layer_norm`."""
    found = {}
    for folder, _, files in os.walk(ROOT / "minner", followlinks=True):
        for path in (Path(folder, file) for file in files if file.endswith(".py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    """The modules of minner that a file imports anywhere, inside functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide what is imported"
            names = [(f"{node.module}.{alias.name}", node.module) for alias in node.names]
            yield from (full if full in modules else str(module) for full, module in names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def area(module: str) -> str:
    if module in {"minner.errors", "minner.cache"}:
        return "leaf"
    second = module.split(".")[1:2]
    return second[0] if second in (["kernels"], ["weights"]) else "minner"


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    modules = sources()
    assert {area(module) for module in modules} == set(MAY_IMPORT)
    return {
        module: set(imports(path, modules)) & modules.keys() - {module}
        for module, path in modules.items()
    }


def test_imports_point_downwards(graph: Mapping[str, set[str]]) -> None:
    upward = [
        f"{module} imports {imported}"
        for module, all_imported in graph.items()
        for imported in all_imported
        if area(imported) not in MAY_IMPORT[area(module)]
    ]
    assert not upward


def test_there_are_no_cycles(graph: Mapping[str, set[str]]) -> None:
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


def test_files_are_short() -> None:
    lines = {name: path.read_text("utf-8").count("\n") for name, path in sources().items()}
    assert not {name: count for name, count in lines.items() if count > MOST_LINES}


def test_nothing_else_of_the_checkout_is_in_the_package() -> None:
    for name in ("tests", "training", "minner"):
        code = f"import minner.{name}"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
        assert b"ModuleNotFoundError" in done.stderr
