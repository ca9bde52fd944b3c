"""The forward pass compiled for 64-bit Arm on whatever machine this is; prints JSON.

NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES=+neon,... python compiled_for_arm.py

Numba compiles for the machine it runs on. Here it is told another one; nothing of the code runs.
For each precision: the instructions of the compiled code.
"""

from __future__ import annotations

import json

from minner.kernels.codegen.cross import TRIPLES, pretend

MACHINE = "aarch64"


def main() -> None:
    """Compile and print."""
    from limited import INSTRUCTION
    from minner.kernels.codegen.build import build_forward
    from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS

    found = {}
    for precision in OPERAND_LAYOUTS:
        module, machine = build_forward("gelu", precision)
        assembly = machine.emit_assembly(module)
        found[precision] = sorted(set(INSTRUCTION.findall(assembly)))
        assert machine.triple == TRIPLES[MACHINE]
    print(json.dumps(found))


if __name__ == "__main__":
    pretend(MACHINE)
    main()
