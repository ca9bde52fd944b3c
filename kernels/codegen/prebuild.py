"""Compile the kernels for every target of the table, ahead of time.

    python -m minner.kernels.codegen.prebuild

It writes images to `kernels/images`, where `python -m build --wheel` and every process of this
checkout find them. Any machine with Numba can do it, and the same sources and versions of Numba and
llvmlite give the same bytes. A target takes some minutes of a core; `--jobs` compiles targets side
by side.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from minner.errors import MinnerError
from minner.kernels.activations import ACTIVATIONS
from minner.kernels.codegen.processor import this_processor
from minner.kernels.codegen.shipped import IMAGES, TABLE, digest_of_sources
from minner.kernels.codegen.targets import TARGETS, BuiltTarget, choose

PRECISIONS = ("float32", "bfloat16", "int8")


def prebuild(
    out: Path,
    targets: Sequence[BuiltTarget],
    activations: Sequence[str] = tuple(ACTIVATIONS),
    precisions: Sequence[str] = PRECISIONS,
    jobs: int = 1,
) -> None:
    """Write images, and a table of their digests, to a folder; what it held before goes.

    Raises:
        MinnerError: a target cannot be compiled here.
    """
    out.mkdir(parents=True, exist_ok=True)
    for old in [out / TABLE, *out.glob("*.bin")]:
        old.unlink(missing_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda target: _compile(out, target, activations, precisions), targets))
    write_table(out)


def write_table(folder: Path) -> None:
    """Write the table of the images in a folder, which are of the sources of this package."""
    images = {path.stem: _digest(path) for path in sorted(folder.glob("*.bin"))}
    table = {"sources": digest_of_sources(), "images": images}
    (folder / TABLE).write_text(json.dumps(table, indent=1) + "\n", encoding="ascii")


def targets_named(names: Sequence[str] | None) -> list[BuiltTarget]:
    """The targets of those names, in the order of the table; all of them for None.

    Args:
        names: `host` is this machine's.

    Raises:
        MinnerError: there is no target of a name, or none for this machine.
    """
    built = {target.name: target for target in TARGETS}
    host = choose(this_processor())
    known = {"host": host, **built} if host else {**built}
    for name in names or ():
        if name not in known:
            raise MinnerError(f"there is no target {name!r}; choose from {', '.join(known)}")
    wanted = [known[name] for name in (built if names is None else names)]
    return [target for target in built.values() if target in wanted]


def _compile(
    out: Path, target: BuiltTarget, activations: Sequence[str], precisions: Sequence[str]
) -> None:
    module = "minner.kernels.codegen.cross"
    command = [sys.executable, "-m", module, str(out), ",".join(activations), ",".join(precisions)]
    done = subprocess.run(command, env=os.environ | target.environment, capture_output=True)
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise MinnerError(f"the kernels of {target.name} could not be compiled: {last}")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, compile, and say what was made."""
    parser = argparse.ArgumentParser(
        prog="python -m minner.kernels.codegen.prebuild",
        description="Compile the kernels for every target, ahead of time.",
    )
    parser.add_argument(
        "out", nargs="?", type=Path, default=IMAGES, help="a folder; default: in the package"
    )
    parser.add_argument(
        "--targets", nargs="+", metavar="T", help="avx2, ..., or host; default: all"
    )
    for option, known in (("--activations", ACTIVATIONS), ("--precisions", PRECISIONS)):
        parser.add_argument(option, nargs="+", choices=known, default=known)
    parser.add_argument("--jobs", type=int, default=1, help="targets to compile at once")
    options = parser.parse_args(arguments)
    try:
        targets = targets_named(options.targets)
        prebuild(options.out, targets, options.activations, options.precisions, options.jobs)
    except (MinnerError, OSError) as error:
        print(f"prebuild: error: {error}", file=sys.stderr)
        return 1
    files = list(options.out.glob("*.bin"))
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{len(files)} images, {size:.1f} MB, in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
