"""Compile the kernels for every x86-64 target of the table, ahead of time.

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
from minner.kernels.codegen.processor import this_processor
from minner.kernels.codegen.shipped import IMAGES, TABLE, digest_of_sources
from minner.kernels.codegen.targets import ACTIVATIONS, TARGETS, BuiltTarget, choose

MACHINES = ("x86_64",)
"""What images can be made for: `elf.py` and `image.py` know no relocations of AArch64 yet."""

PRECISIONS = ("float32", "bfloat16", "int8")


def prebuild(
    out: Path,
    targets: Sequence[BuiltTarget],
    activations: Sequence[str] = ACTIVATIONS,
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
    images = {path.stem: _digest(path) for path in sorted(out.glob("*.bin"))}
    table = {"sources": digest_of_sources(), "images": images}
    (out / TABLE).write_text(json.dumps(table, indent=1) + "\n", encoding="ascii")


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
    names = [target.name for target in TARGETS if target.machine in MACHINES]
    host = choose(this_processor())
    parser.add_argument(
        "out", nargs="?", type=Path, default=IMAGES, help="a folder; default: in the package"
    )
    for option, known in (
        ("--targets", ["host", *names] if host and host.name in names else names),
        ("--activations", ACTIVATIONS),
        ("--precisions", PRECISIONS),
    ):
        parser.add_argument(
            option,
            nargs="+",
            choices=known,
            default=[name for name in known if name != "host"],
            metavar="X",
            help=f"some of {', '.join(known)}; default: all",
        )
    parser.add_argument("--jobs", type=int, default=1, help="targets to compile at once")
    options = parser.parse_args(arguments)
    wanted = {host.name if host and name == "host" else name for name in options.targets}
    targets = [target for target in TARGETS if target.name in wanted]
    try:
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
