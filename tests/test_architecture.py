"""The borders that ARCHITECTURE.md draws: what may import what, and what gets installed."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
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


def test_nothing_else_of_the_checkout_is_in_the_package() -> None:
    for name in ("tests", "training", "minner"):
        code = f"import minner.{name}"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
        assert b"ModuleNotFoundError" in done.stderr


def test_what_is_built_holds_each_module_once(tmp_path: Path) -> None:
    """In the wheel and in the sdist that it is built from; the model is left out here."""
    pytest.importorskip("setuptools", minversion="77", reason="what pyproject.toml builds with")
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("kernels", "minner", "tests", "weights"):
        skip = shutil.ignore_patterns("__pycache__", "model.safetensors")
        shutil.copytree(ROOT / name, checkout / name, symlinks=True, ignore=skip)
    for name in ("LICENSE", "MANIFEST.in", "NOTICE", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout)

    with tarfile.open(build("sdist", checkout)) as packed:
        packed.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("minner-*")
    folders = {path.name for path in unpacked.iterdir() if path.is_dir()}
    assert folders == {"minner", "minner.egg-info"}
    with zipfile.ZipFile(build("wheel", unpacked)) as wheel:
        names = wheel.namelist()
    modules = [name for name in names if name.endswith(".py")]
    assert sorted(modules) == sorted(str(path.relative_to(ROOT)) for path in sources().values())
    assert {"minner/py.typed", "minner/weights/default/config.json"} <= set(names)


def build(kind: str, project: Path) -> Path:
    """Build an "sdist" or a "wheel" as pip does, with the setuptools that is installed."""
    code = f"from setuptools import build_meta; print(build_meta.build_{kind}('dist'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True
    )
    return project / "dist" / done.stdout.splitlines()[-1]
