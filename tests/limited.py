"""What a process that is limited to an instruction set answers; prints it as JSON.

NUMBA_CPU_NAME=... NUMBA_CPU_FEATURES=... MINNER_CACHE_DIR=an-empty-one python limited.py MODEL

For each precision: the error of its logits (see `test_precisions.py`), and of its compiled code the
instructions, the kinds of registers, and whether it runs as an image, like one that is shipped.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import minner
from minner.cache import read_checked
from minner.kernels.codegen import build, loader
from minner.kernels.codegen.image import is_image
from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS
from minner.weights.checkpoint import read_checkpoint
from test_precisions import relative_error

INSTRUCTION = re.compile(r"^\t(?:\{\w+\}\s+)?(\w[\w.]*)", re.MULTILINE)
"""Of a line of assembly; `{vex}` may stand in front."""

REGISTERS = ("tmm", "zmm", "ymm", "xmm")


def main(directory: Path) -> None:
    """Load a model twice in every precision, compare, and print."""
    assembly: dict[str, str] = {}

    def compile_and_note(activation: str, precision: str) -> bytes:
        module, machine = build.build_forward(activation, precision)
        assembly[precision] = machine.emit_assembly(module)
        return machine.emit_object(module)  # type: ignore[no-any-return]

    build.compile_forward = compile_and_note
    checkpoint, found = read_checkpoint(directory), {}
    for precision in OPERAND_LAYOUTS:
        for _ in range(2):
            minner.load(directory, precision=precision)("My name is John Smith.")
        found[precision] = {
            "error": relative_error(checkpoint, precision),
            "instructions": sorted(set(INSTRUCTION.findall(assembly[precision]))),
            "image": is_image(read_checked(loader.cache_path("gelu", precision)) or b""),
            "registers": [name for name in REGISTERS if f"%{name}" in assembly[precision]],
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
