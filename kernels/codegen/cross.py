"""Compile the forward pass for another processor; a process does this for one target only.

    python -m minner.kernels.codegen.cross OUT GELU,... FLOAT32,... < a target's variables

`prebuild.py` starts such a process for each target.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from minner.kernels.codegen import processor
from minner.kernels.codegen.targets import BuiltTarget, target_compiled_for

TRIPLES = {"x86_64": "x86_64-unknown-linux-gnu", "aarch64": "aarch64-unknown-linux-gnu"}


def pretend(machine: str) -> None:
    """Let Numba and minner find themselves on another machine; before either is imported.

    Numba compiles for the machine it runs on, and minner looks whether it may use AMX there.
    """
    import llvmlite.binding as llvm
    import llvmlite.binding.targets as targets

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    for module in (llvm, targets):
        module.get_process_triple = module.get_default_triple = lambda: TRIPLES[machine]
    processor.request_amx = lambda: True


def this_target() -> BuiltTarget:
    """The target of the table whose variables this process was started with."""
    built = target_compiled_for(os.environ["NUMBA_CPU_NAME"], os.environ["NUMBA_CPU_FEATURES"])
    assert built is not None, "prebuild.py sets the variables of a target"
    return built


def main(out: Path, activations: list[str], precisions: list[str]) -> None:
    """Write an image for each activation and precision."""
    built = this_target()
    pretend(built.machine)
    from minner.kernels.codegen.build import SYMBOL, compile_forward
    from minner.kernels.codegen.make_image import make_image
    from minner.kernels.codegen.shipped import image_name

    for activation in activations:
        for precision in precisions:
            image = make_image(compile_forward(activation, precision), SYMBOL)
            (out / f"{image_name(built.name, activation, precision)}.bin").write_bytes(image)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2].split(","), sys.argv[3].split(","))
