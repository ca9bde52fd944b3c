"""What is in the sdist and the wheel: the package, whole, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import minner

pytest.importorskip("build", reason="the package `build` makes the distributions")
pytest.importorskip("setuptools", minversion="77")

ROOT = Path(__file__).parents[1]
PACKAGE = ("minner", "kernels", "weights")
NORMALISE = ROOT / ".ci" / "normalise-sdist"
ABOUT = ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "MANIFEST.in")

# A wheel's times are cut to this, so that who builds it again gets the same bytes.
ENVIRONMENT = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)  # of which setuptools would warn


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, with a stand-in for the weights, which take long to compress."""
    copy = tmp_path_factory.mktemp("source") / "minner"
    ignore = shutil.ignore_patterns(".git", "__pycache__", "*.egg-info", "*.safetensors", ".*cache")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=ignore)
    (copy / "weights" / "default" / "model.safetensors").write_bytes(b"weights")
    (copy / "kernels" / "images").mkdir(exist_ok=True)
    (copy / "kernels" / "images" / "table.json").write_text("{}")
    return copy


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The directory of an sdist, and a wheel made of it; and what was said on the way."""
    return build(source, tmp_path_factory.mktemp("built"))


def build(source: Path, target: Path, *what: str) -> tuple[Path, str]:
    command = [sys.executable, "-m", "build", "--no-isolation", *what, "-o", target, source]
    run = subprocess.run(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert run.returncode == 0, run.stdout
    return target, run.stdout


def members(target: Path) -> tuple[set[str], set[str]]:
    """The files in the sdist, below its one folder, and those in the wheel."""
    with tarfile.open(next(target.glob("*.tar.gz"))) as sdist:
        names = {member.name.partition("/")[2] for member in sdist if not member.isdir()}
    with zipfile.ZipFile(next(target.glob("*.whl"))) as wheel:
        return names, set(wheel.namelist())


def package_files(source: Path) -> set[str]:
    """The files of the package, where they are installed."""
    found = set()
    for top in PACKAGE:
        for path in (source / top).rglob("*"):
            if path.is_file() and not (top == "minner" and path.parts[-2:-1] in PACKAGE):
                inside = path.relative_to(source).as_posix()
                found.add(inside if top == "minner" else f"minner/{inside}")
    return found


def test_the_wheel_is_the_package(source: Path, built: tuple[Path, str]) -> None:
    _, wheel = members(built[0])
    about = {name for name in wheel if ".dist-info/" in name}
    assert wheel - about == package_files(source)
    assert {Path(name).name for name in about} >= {"LICENSE", "NOTICE", "METADATA", "RECORD"}
    assert "minner/weights/default/model.safetensors" in wheel
    assert "minner/py.typed" in wheel
    assert "minner/kernels/images/table.json" in wheel


def test_the_version_stands_in_one_place(built: tuple[Path, str]) -> None:
    [wheel] = built[0].glob("*.whl")
    assert wheel.name == f"minner_ner-{minner.__version__}-py3-none-any.whl"
    assert f"## {minner.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_what_checks_distributions_finds_nothing(built: tuple[Path, str]) -> None:
    for module in ("twine", "check_wheel_contents"):
        pytest.importorskip(module, reason=f"{module} checks the distributions")
    files = [str(path) for path in built[0].iterdir()]
    wheels = [path for path in files if path.endswith(".whl")]
    for command in (["twine", "check", "--strict", *files], ["check_wheel_contents", *wheels]):
        done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True)
        assert done.returncode == 0, done.stdout.decode()


def test_the_sdist_is_what_the_wheel_is_made_of(source: Path, built: tuple[Path, str]) -> None:
    sdist, _ = members(built[0])
    made = {name for name in sdist if name.startswith("minner_ner.egg-info/")} | {
        "PKG-INFO",
        "setup.cfg",
    }
    assert sdist - made == package_files(source) | set(ABOUT)


def test_nothing_is_warned_of(built: tuple[Path, str]) -> None:
    """Setuptools warns of packages that are not listed, which a later version would leave out."""
    said = built[1].lower()
    assert not [line for line in said.splitlines() if "warning" in line or "deprecat" in line]


def test_an_sdist_has_the_same_bytes_at_another_time_and_place(
    source: Path, built: tuple[Path, str], tmp_path: Path
) -> None:
    other = shutil.copytree(source, tmp_path / "elsewhere", symlinks=True)
    for path in other.rglob("*"):
        os.utime(path, (1e9, 1e9), follow_symlinks=False)
    (other / "README.md").chmod(0o600)
    build(other, tmp_path, "--sdist")
    sdists = [next(folder.glob("*.tar.gz")) for folder in (built[0], tmp_path)]
    packed = []
    for sdist in sdists:
        copy = shutil.copy(sdist, tmp_path / f"{len(packed)}.tar.gz")
        subprocess.run([sys.executable, NORMALISE, copy], env=ENVIRONMENT, check=True)
        packed.append(copy.read_bytes())
    assert sdists[0].read_bytes() != sdists[1].read_bytes()
    assert packed[0] == packed[1]
    with tarfile.open(copy) as normal, tarfile.open(sdists[0]) as plain:
        contents = [
            {one.name: file.read() for one in archive if (file := archive.extractfile(one))}
            for archive in (normal, plain)
        ]
    assert contents[0] == contents[1]


def test_a_wheel_of_the_checkout_has_the_same_bytes(
    source: Path, built: tuple[Path, str], tmp_path: Path
) -> None:
    again, _ = build(source, tmp_path, "--wheel")
    [one], [other] = built[0].glob("*.whl"), again.glob("*.whl")
    assert one.read_bytes() == other.read_bytes()
