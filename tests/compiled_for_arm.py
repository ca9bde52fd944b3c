"""The forward pass compiled for 64-bit Arm on whatever machine this is.

NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES=+neon,... python compiled_for_arm.py OUT

Writes an image for each precision to the folder OUT, and prints the instructions of each as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from minner.kernels.codegen.cross import TRIPLES, pretend, this_target

MACHINE = "aarch64"


def main(out: Path) -> None:
    """Compile, write and print."""
    from limited import INSTRUCTION
    from minner.kernels.codegen.build import SYMBOL, build_forward
    from minner.kernels.codegen.make_image import make_image
    from minner.kernels.codegen.shipped import image_name
    from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS

    found = {}
    for precision in OPERAND_LAYOUTS:
        module, machine = build_forward("gelu", precision)
        assert machine.triple == TRIPLES[MACHINE]
        found[precision] = sorted(set(INSTRUCTION.findall(machine.emit_assembly(module))))
        name = image_name(this_target().name, "gelu", precision)
        (out / f"{name}.bin").write_bytes(make_image(machine.emit_object(module), SYMBOL))
    print(json.dumps(found))


if __name__ == "__main__":
    pretend(MACHINE)
    main(Path(sys.argv[1]))
