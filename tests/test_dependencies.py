"""What CI installs: the oldest versions are those that pyproject.toml allows, the lock is whole."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

if sys.version_info < (3, 11):
    pytest.skip("Python 3.10 has no reader of TOML", allow_module_level=True)

import tomllib

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def required(*extras: str) -> dict[str, Requirement]:
    """What minner needs, by name, with some of its extras."""
    lines = [*project()["dependencies"]]  # type: ignore[misc]
    for extra in extras:
        lines += project()["optional-dependencies"][extra]  # type: ignore[index]
    found = map(Requirement, lines)
    return {one.name.lower(): one for one in found if one.name != "minner-ner"}


def pinned(name: str, python: str) -> dict[str, Version]:
    """The versions that a file of .ci gives for a Python on Linux."""
    found = {}
    for line in (ROOT / ".ci" / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            one = Requirement(line)
            where = {"python_version": python, "python_full_version": f"{python}.9"}
            if one.marker is None or one.marker.evaluate({**where, "sys_platform": "linux"}):
                assert one.name not in found, line
                [version] = one.specifier
                assert version.operator == "==", line
                found[one.name.lower()] = Version(version.version)
    return found


def test_the_oldest_versions_are_those_that_are_allowed() -> None:
    oldest, needed = pinned("oldest.txt", "3.10"), required()
    assert oldest.keys() == needed.keys()
    for name, requirement in needed.items():
        [least] = [part.version for part in requirement.specifier if part.operator == ">="]
        assert oldest[name].release[: len(Version(least).release)] == Version(least).release
    for python in PYTHONS:
        for name, version in pinned("oldest.txt", python).items():
            assert version in needed[name].specifier


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_holds_a_version_of_all_that_ci_installs(python: str) -> None:
    locked = pinned("lock.txt", python)
    extras = ("dev", "test", "docs", "serve", "spark", "browser", "fuzz", "sparknlp")
    for name, requirement in required(*extras).items():
        assert re.sub("[-_.]+", "-", name) in locked
        assert locked[re.sub("[-_.]+", "-", name)] in requirement.specifier


def test_numba_has_a_ceiling() -> None:
    """Its private parts are used."""
    assert any(part.operator == "<" for part in required()["numba"].specifier)
