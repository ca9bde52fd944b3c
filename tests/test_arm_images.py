"""Images for 64-bit Arm: the instructions they may have, and what they answer under qemu.

MINNER_ARM64_ROOT names a folder that `.ci/arm64-root` has made, with a Python for Arm.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from minner.kernels.codegen import arm64, prebuild
from minner.kernels.codegen.elf import UnknownObject
from minner.kernels.codegen.targets import BuiltTarget, target_named
from minner.kernels.runtime.cores import available_cores

TESTS = Path(__file__).parent
ROOT = os.environ.get("MINNER_ARM64_ROOT", "")
QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")

MULTIPLIES = {
    "neon": {"float32": "fmla", "bfloat16": "fmla", "int8": "mla"},
    "neon-dotprod": {"float32": "fmla", "bfloat16": "fmla", "int8": "sdot"},
    "neon-bf16": {"float32": "fmla", "bfloat16": "bfdot", "int8": "sdot"},
}
"""The instruction of each target that multiplies each precision."""

FEATURE_OF = {"sdot": "dotprod", "bfdot": "bf16", "bfcvtn": "bf16"}

PROCESSORS = {"cortex-a53": "neon", "neoverse-n1": "neon-dotprod", "max": "neon-bf16"}
"""What qemu stands in for, and the target it gets. An instruction that such a processor lacks ends
the process."""


Images = tuple[Path, dict[str, dict[str, list[str]]]]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """A folder of images for all targets, and the instructions of each by precision.

    Beside it, a folder for each target has every kernel as an image of its own.
    """
    folder = tmp_path_factory.mktemp("arm") / "images"
    folder.mkdir()

    def compile_for(target: BuiltTarget) -> dict[str, list[str]]:
        of_kernels = folder.with_name(target.name)
        of_kernels.mkdir()
        for program in (
            ("kernel_images.py", of_kernels, "aarch64"),
            ("compiled_for_arm.py", folder),
        ):
            done = subprocess.run(
                [sys.executable, str(TESTS / program[0]), *map(str, program[1:])],
                env=os.environ | target.environment,
                capture_output=True,
                text=True,
                timeout=600,
            )
            assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    with ThreadPoolExecutor(available_cores()) as pool:
        instructions = dict(
            zip(MULTIPLIES, pool.map(compile_for, map(target_named, MULTIPLIES)), strict=True)
        )
    prebuild.write_table(folder)
    return folder, instructions


@pytest.mark.parametrize("target", MULTIPLIES)
def test_the_instructions(target: str, images: Images) -> None:
    for precision, found in images[1][target].items():
        assert MULTIPLIES[target][precision] in found
        for name, feature in FEATURE_OF.items():
            assert name not in found or feature in target_named(target).needs


# ---- under qemu ---------------------------------------------------------------------------------

Answers = dict[str, Future[list[str]]]

ORACLE_FILES = ("tests/test_trace_by_kernels.py", "tests/test_precisions.py")
KERNEL_FILE = "tests/test_kernels.py"

ORACLES = (
    "test_every_array_equals_the_reference",
    "test_a_part_left_out_is_left_out_of_both",
    "test_logits_are_near_the_reference",
    "test_rows_left_out_change_no_bit_of_the_others",
)
"""Tests of what the kernels compute together: each step against the reference in NumPy, whole
models of awkward sizes, and the same bits on several threads. KERNEL_FILE has those of every kernel
by itself, as it is tested where it is compiled."""


@pytest.fixture(scope="module")
def checkout(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of minner with these images, and of the tests."""
    copy = tmp_path_factory.mktemp("checkout")
    ignore = shutil.ignore_patterns("__pycache__", "default", "images")
    shutil.copytree(TESTS.parent / "minner", copy / "minner", ignore=ignore)
    shutil.copytree(images[0], copy / "minner" / "kernels" / "images")
    shutil.copytree(TESTS, copy / "tests", ignore=ignore)
    shutil.copyfile(TESTS.parent / "pyproject.toml", copy / "pyproject.toml")
    return copy


@pytest.fixture(scope="module")
def answers(
    images: Images, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Answers]:
    """What each processor says of its target, and of the oracles: they run side by side."""
    cache = tmp_path_factory.mktemp("cache")

    def run(cpu: str) -> list[str]:
        variables = {"PYTHONPATH": f"{ROOT}/site", "PYTHONDONTWRITEBYTECODE": "1"}
        variables["MINNER_CACHE_DIR"] = str(cache / cpu)
        variables["MINNER_KERNEL_IMAGES"] = str(images[0].with_name(PROCESSORS[cpu]))
        settings = [word for item in variables.items() for word in ("-E", "=".join(item))]
        python = [str(QEMU), "-cpu", cpu, "-L", ROOT, *settings, f"{ROOT}/usr/bin/python3"]
        wanted = f"({' or '.join(ORACLES)}) and not relu and not 1-7"
        tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
        oracles = [*tests, "-k", wanted, *ORACLE_FILES]
        of_target = "from minner.kernels.vector.target import TARGET; print(TARGET.features)"
        said = []
        for arguments in (["-c", of_target], oracles, [*tests, KERNEL_FILE]):
            done = subprocess.run(
                [*python, *arguments], cwd=checkout, capture_output=True, text=True, timeout=900
            )
            said.append(done.stdout if done.returncode == 0 else done.stdout + done.stderr)
        return said

    with ThreadPoolExecutor(available_cores()) as pool:
        yield {cpu: pool.submit(run, cpu) for cpu in PROCESSORS}


@pytest.mark.skipif(not ROOT or QEMU is None, reason="needs qemu, and a root by .ci/arm64-root")
@pytest.mark.parametrize("cpu", PROCESSORS)
def test_the_oracles_of_the_kernels_under_qemu(cpu: str, answers: Answers) -> None:
    features, oracles, kernels = answers[cpu].result()
    assert features == f"{target_named(PROCESSORS[cpu]).features}\n"
    assert re.search(r"^\d+ passed", oracles, re.MULTILINE), oracles
    assert re.search(r"^\d{3,} passed in", kernels, re.MULTILINE), kernels


# ---- references ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "empty", "at", "place", "expected"),
    [
        (283, 0x94000000, 0x1000, 0x1010, 0x94000004),  # bl .+16
        (283, 0x94000000, 0x1010, 0x1000, 0x97FFFFFC),  # bl .-16
        (282, 0x14000000, 0, (1 << 27) - 4, 0x15FFFFFF),  # b, as far as it reaches
        (275, 0x90000008, 0x1FFC, 0x2000, 0xB0000008),  # adrp x8, the next page
        (275, 0x90000008, 0x5000, 0x0FFF, 0xF0FFFFC8),  # adrp x8, five pages back
        (277, 0x91000108, 0, 0x5ABC, 0x912AF108),  # add x8, x8, #0xabc
        (299, 0x3DC00100, 0, 0x5AB0, 0x3DC2AD00),  # ldr q0, [x8, #0xab0]
    ],
)
def test_a_reference(kind: int, empty: int, at: int, place: int, expected: int) -> None:
    """The words are those of an assembler."""
    assert arm64.refer(kind, empty, at, place) == expected


@pytest.mark.parametrize(
    ("kind", "at", "place"),
    [(283, 0, 1 << 27), (275, 0, 1 << 32), (299, 0, 8), (311, 0, 0), (263, 0, 0)],
    ids=["too far", "too many pages", "not a multiple", "a table of addresses", "a part of one"],
)
def test_another_reference_is_refused(kind: int, at: int, place: int) -> None:
    with pytest.raises(UnknownObject):
        arm64.refer(kind, 0, at, place)
