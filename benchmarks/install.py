"""What it takes to bring a tagger into an empty place: disk, first and later starts, memory.

The same model in int8: minner as a bundle, and as a wheel with kernels where Numba is not
installed; ONNX Runtime in its three set-ups with nothing but tokenizers; torch with transformers.
Sizes are those of the installed packages and of what they require, by their own lists of files. A
first start has an empty cache; each start is a process of its own, from before it exists until it
has printed the entities of one sentence.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from benchmarks.machine import ROOT, describe
from benchmarks.model import Model, find_model
from benchmarks.options import count_rounds, shared_options
from benchmarks.report import Table, finish, spread
from benchmarks.startup import FORMS, STARTS, TEXT, Run, peer_set_ups, start
from minner.bench.timing import ratios
from minner.bundle.make import make_bundle
from minner.kernels.codegen.prebuild import targets_named

EMBEDDED = ROOT / "weights" / "default"
PRECISION = "int8"


class Contender(NamedTuple):
    """A way to run the model.

    Attributes:
        packages: what is installed for it; what these require comes along.
        model: the files and folders of the model, and of the program that brings it.
        commands: its set-ups by name.
        path: where its processes find packages beside those of their environment.
    """

    packages: tuple[str, ...]
    model: tuple[Path, ...]
    commands: dict[str, list[str]]
    path: str = ""


def main() -> None:
    """Measure what the command line asks for."""
    parser = shared_options(__doc__, rounds=20, minutes=4, output="install.json")
    parser.add_argument("--bundle", type=Path, help="made by minner bundle --precision int8")
    parser.add_argument("--wheel-python", help="of an environment with a wheel, and without Numba")
    options = parser.parse_args()
    options.checkpoint = options.checkpoint or EMBEDDED
    machine, model = describe(), find_model(options, FORMS[PRECISION])
    with tempfile.TemporaryDirectory() as folder:
        bundle = options.bundle or Path(folder) / "bundle"
        if not bundle.exists():
            make_bundle(bundle, None, PRECISION, targets_named(["host"]))
        ours = {"minner": bundle_contender(bundle, options.threads)}
        if options.wheel_python:
            ours["minner, wheel"] = wheel_contender(options.wheel_python, options.threads)
        contenders = ours | find_peers(model, options.threads)
        runs = measure(contenders, set(ours), Path(folder), count_rounds(options))
    sizes = {name: sizes_of(one) for name, one in contenders.items()}
    measurements = {
        "text": TEXT,
        "bytes": sizes,
        "runs": {name: [run._asdict() for run in row] for name, row in runs.items()},
    }
    tables = [size_table(sizes), start_table(runs)]
    finish("install", vars(options), machine, tables, measurements, options.output)


def bundle_contender(bundle: Path, threads: int) -> Contender:
    """A bundle needs NumPy and tokenizers."""
    command = minner_command(sys.executable, bundle / "minner", threads)
    return Contender(("numpy", "tokenizers"), (bundle,), {"minner": command}, str(bundle))


def wheel_contender(python: str, threads: int) -> Contender:
    """A wheel, installed in an environment without Numba."""
    where = "import minner, importlib.util as u; print(minner.__path__[0], u.find_spec('numba'))"
    found = subprocess.run([python, "-Ic", where], check=True, capture_output=True, text=True)
    package, numba = found.stdout.split(maxsplit=1)
    if numba.strip() != "None":
        raise SystemExit(f"Numba is installed beside {package}")
    command = minner_command(python, Path(package), threads)
    needs = ("numpy", "tokenizers", "safetensors")
    return Contender(needs, (Path(package),), {"minner, wheel": command})


def minner_command(python: str, package: Path, threads: int) -> list[str]:
    """Tag one sentence with the embedded model of a package."""
    weights = package / "weights" / "default"
    return [python, *map(str, (STARTS / "minner_start.py", TEXT, weights, threads, PRECISION))]


def find_peers(model: Model, threads: int) -> dict[str, Contender]:
    """The others by name."""
    one_file, mapped = map(model.path, FORMS[PRECISION])
    tokenizer = model.checkpoint / "tokenizer.json"
    torch = map(str, (STARTS / "torch_start.py", TEXT, model.checkpoint, threads))
    return {
        "onnxruntime": Contender(
            ("onnxruntime", "numpy", "tokenizers"),
            (one_file, tokenizer),
            peer_set_ups(model, threads, one_file, mapped),
        ),
        "torch": Contender(
            ("torch", "transformers"),
            (model.checkpoint / "model.safetensors", tokenizer),
            {"torch, transformers": [sys.executable, *torch]},
        ),
    }


# ---- starts -------------------------------------------------------------------------------------


def measure(
    contenders: dict[str, Contender], ours: set[str], folder: Path, rounds: Iterable[int]
) -> dict[str, list[Run]]:
    """Start every set-up in turn; minner's also with an empty cache."""
    runs: dict[str, list[Run]] = {}
    starts = [
        (name, command, {"PYTHONPATH": one.path, "MINNER_CACHE_DIR": str(folder / name)})
        for one in contenders.values()
        for name, command in one.commands.items()
    ]
    for _, command, places in starts:  # fills caches, those of the system as well
        start(command, places)
    for number in rounds:
        turns = starts + [
            (f"{name}, first", command, {**places, "MINNER_CACHE_DIR": f"{folder}/{name}-{number}"})
            for name, command, places in starts
            if name in ours
        ]
        first = number % len(turns)
        for name, command, environment in turns[first:] + turns[:first]:
            runs.setdefault(name, []).append(start(command, environment))
    return dict(sorted(runs.items()))


def start_table(runs: dict[str, list[Run]]) -> Table:
    """Wall time and memory of each set-up."""
    ours = [run.seconds for run in runs["minner"]]
    rows = []
    for name, row in runs.items():
        seconds = [run.seconds for run in row]
        against = "" if name == "minner" else spread(ratios(seconds, ours))
        peak = statistics.median(run.peak_mib for run in row)
        rows.append([name, spread(seconds), against, f"{peak:.0f}"])
    title = (
        f"Process start to entities of one sentence, {PRECISION}, {len(ours)} rounds: median, in "
        "brackets the 10th and 90th percentile"
    )
    return Table(title, ["program", "seconds", "times as long as minner", "peak MiB"], rows)


# ---- sizes --------------------------------------------------------------------------------------


def sizes_of(contender: Contender) -> dict[str, int]:
    """Bytes of each package, of what they require together, and of the model."""
    wanted = set(contender.packages)
    sizes = {name: package_size(name) for name in contender.packages}
    others = required_by(contender.packages) - wanted
    sizes["what they require"] = sum(map(package_size, others))
    sizes["model and program"] = sum(map(folder_size, contender.model))
    return sizes


def required_by(names: Iterable[str]) -> set[str]:
    """These packages, and all that they require here, directly or not."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name not in found and is_installed(name):
            found.add(name)
            needs = map(Requirement, distribution(name).requires or ())
            waiting += [
                one.name for one in needs if not one.marker or one.marker.evaluate({"extra": ""})
            ]
    return found


def is_installed(name: str) -> bool:
    """Whether a package is there; one that another operating system needs is not."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def package_size(name: str) -> int:
    """Bytes of the files of an installed package."""
    return sum(Path(str(file.locate())).stat().st_size for file in distribution(name).files or ())


def folder_size(path: Path) -> int:
    """Bytes of a file, or of the files of a folder, without what Python compiles there."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")


def size_table(sizes: dict[str, dict[str, int]]) -> Table:
    """A row for each contender, a column for each part."""
    last = ["what they require", "model and program", "whole"]
    parts = [*dict.fromkeys(p for row in sizes.values() for p in row if p not in last), *last]
    rows = [
        [name, *(megabytes(row[part]) if part in row else "" for part in parts)]
        for name, row in (
            (name, {**row, "whole": sum(row.values())}) for name, row in sizes.items()
        )
    ]
    return Table("MB on disk", ["", *parts], rows)


def megabytes(size: int) -> str:
    """Whole megabytes."""
    return f"{size / 1e6:.0f}"


if __name__ == "__main__":
    main()
