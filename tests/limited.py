"""What a process that is limited to an instruction set answers; prints it as JSON.

NUMBA_CPU_NAME=... NUMBA_CPU_FEATURES=... MINNER_CACHE_DIR=an-empty-one python limited.py MODEL

For each precision: the error of its logits (see `test_precisions.py`), and of its compiled code the
instructions, the kinds of registers, whether it runs as an image, like one that is shipped, and
whether that gives the bits of Numba's own just-in-time compiler.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

import minner
from minner.cache import read_checked
from minner.engine import Engine
from minner.kernels.codegen import build, loader
from minner.kernels.codegen.image import is_image
from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS
from minner.kernels.runtime.threads import Team
from minner.kernels.vector import internals
from minner.weights.checkpoint import Checkpoint, read_checkpoint
from test_precisions import relative_error

INSTRUCTION = re.compile(r"^\t(?:\{\w+\}\s+)?(\w[\w.]*)", re.MULTILINE)
"""Of a line of assembly; `{vex}` may stand in front."""

REGISTERS = ("tmm", "zmm", "ymm", "xmm")


def same_bits_as(address: int, checkpoint: Checkpoint, precision: str) -> bool:
    """Whether the image gives the bits of the function that Numba itself has compiled."""
    engine, vocabulary = Engine(checkpoint, 2, precision), checkpoint.config.vocab_size
    ids = [np.arange(1, 1 + length, dtype=np.int32) % vocabulary for length in (1, 7, 31)]
    ours = engine.logits(ids)
    engine._team = Team(loader._PROTOTYPE(address), checkpoint.config.shape, 2)
    theirs = engine.logits(ids)
    return [one.tobytes() for one in ours] == [one.tobytes() for one in theirs]


def main(directory: Path) -> None:
    """Load a model twice in every precision, compare, and print."""
    assembly: dict[str, str] = {}
    jitted: dict[str, int] = {}
    functions: list[Any] = []
    take_apart = internals.compiled_module

    def note_and_take_apart(compiled: Any) -> tuple[Any, Any, str]:
        functions.append(compiled)
        return take_apart(compiled)

    def compile_and_note(activation: str, precision: str) -> bytes:
        module, machine = build.build_forward(activation, precision)
        jitted[precision] = functions[-1].address
        assembly[precision] = machine.emit_assembly(module)
        return machine.emit_object(module)  # type: ignore[no-any-return]

    internals.compiled_module = note_and_take_apart
    build.compile_forward = compile_and_note
    checkpoint, found = read_checkpoint(directory), {}
    for precision in OPERAND_LAYOUTS:
        for _ in range(2):
            minner.load(directory, precision=precision)("My name is John Smith.")
        found[precision] = {
            "error": relative_error(checkpoint, precision),
            "instructions": sorted(set(INSTRUCTION.findall(assembly[precision]))),
            "jit": same_bits_as(jitted[precision], checkpoint, precision),
            "image": is_image(read_checked(loader.cache_path("gelu", precision)) or b""),
            "registers": [name for name in REGISTERS if f"%{name}" in assembly[precision]],
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
