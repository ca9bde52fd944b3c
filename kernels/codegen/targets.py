"""The table of targets: the kinds of processors that kernels are compiled for ahead of time.

A target names all that its code may use. A processor gets the first target of the table of which it
has every feature, so it never runs an unsupported instruction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from minner.kernels.codegen.processor import Processor, request_amx

# LLVM's name of a feature -> Linux's.
_X86_64_V3 = {
    "sse3": "pni",
    "ssse3": "ssse3",
    "sse4.1": "sse4_1",
    "sse4.2": "sse4_2",
    "popcnt": "popcnt",
    "cx16": "cx16",
    "sahf": "lahf_lm",
    "avx": "avx",
    "avx2": "avx2",
    "bmi": "bmi1",
    "bmi2": "bmi2",
    "f16c": "f16c",
    "fma": "fma",
    "lzcnt": "abm",
    "movbe": "movbe",
    "xsave": "xsave",
}
"""What LLVM takes for granted on `x86-64-v3`, which the x86-64 psABI defines."""

_X86_64_V4 = _X86_64_V3 | {
    name: name for name in ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
}
_VNNI = _X86_64_V4 | {"avx512vnni": "avx512_vnni"}
_BF16 = _VNNI | {"avx512bf16": "avx512_bf16"}
_AMX = _BF16 | {"amx-tile": "amx_tile", "amx-int8": "amx_int8", "amx-bf16": "amx_bf16"}

_ZEN4_EXTRAS = (
    "adx aes avx512bitalg avx512ifma avx512vbmi avx512vbmi2 avx512vpopcntdq clflushopt clwb clzero "
    "fsgsbase gfni invpcid mwaitx pclmul pku prfchw rdpid rdpru rdrnd rdseed sha shstk sse4a vaes "
    "vpclmulqdq wbnoinvd xsavec xsaveopt xsaves"
)
"""What LLVM takes for granted on `znver4` beyond `_BF16`. A virtual machine may hide any of it, and
no kernel needs it."""

_NEON = {"neon": "asimd"}
_DOTPROD = _NEON | {"dotprod": "asimddp"}


class BuiltTarget(NamedTuple):
    """A kind of processor that there can be a shipped image for.

    Attributes:
        name: of its images.
        machine: as `uname -m` says.
        cpu: LLVM's name of a processor.
        needs: LLVM's names of the features that its code may use, and Linux's.
        vendor: the only vendor whose processors get it; "" for all.
        lacks: LLVM's names of the features of `cpu` that its code must not use.
    """

    name: str
    machine: str
    cpu: str
    needs: dict[str, str]
    vendor: str = ""
    lacks: tuple[str, ...] = ()

    @property
    def has_amx(self) -> bool:
        """Whether its code runs on AMX tiles."""
        return "amx-tile" in self.needs

    @property
    def features(self) -> str:
        """LLVM's feature string."""
        return ",".join([*(f"+{name}" for name in self.needs), *(f"-{x}" for x in self.lacks)])

    @property
    def environment(self) -> dict[str, str]:
        """The variables under which Numba, LLVM and minner keep to this target."""
        return {"NUMBA_CPU_NAME": self.cpu, "NUMBA_CPU_FEATURES": self.features}


TARGETS = (
    BuiltTarget("amx", "x86_64", "x86-64-v4", _AMX),
    # On Intel's processors a dot product of bfloat16 is slow: see `_avx512_target` in target.py.
    BuiltTarget("zen4", "x86_64", "znver4", _BF16, "AuthenticAMD", tuple(_ZEN4_EXTRAS.split())),
    BuiltTarget("avx512-vnni", "x86_64", "x86-64-v4", _VNNI),
    BuiltTarget("avx512", "x86_64", "x86-64-v4", _X86_64_V4),
    BuiltTarget("avx2-vnni", "x86_64", "x86-64-v3", _X86_64_V3 | {"avxvnni": "avx_vnni"}),
    BuiltTarget("avx2", "x86_64", "x86-64-v3", _X86_64_V3),
    BuiltTarget("x86-64", "x86_64", "x86-64", {}),
    BuiltTarget("neon-bf16", "aarch64", "generic", _DOTPROD | {"bf16": "bf16"}),
    BuiltTarget("neon-dotprod", "aarch64", "generic", _DOTPROD),
    BuiltTarget("neon", "aarch64", "generic", _NEON),
)
"""Of each machine the fastest first."""


def choose(
    processor: Processor,
    among: Iterable[BuiltTarget] = TARGETS,
    may_use_amx: Callable[[], bool] = request_amx,
) -> BuiltTarget | None:
    """The fastest target that a processor runs; None where it runs none of them.

    Args:
        processor: what programs may use.
        among: targets, of each machine the fastest first.
        may_use_amx: asks the system for AMX tiles; only called where the processor has them.
    """
    for target in among:
        if (
            target.machine == processor.machine
            and target.vendor in ("", processor.vendor)
            and processor.features.issuperset(target.needs.values())
            and (not target.has_amx or may_use_amx())
        ):
            return target
    return None


def target_compiled_for(cpu: str, features: str) -> BuiltTarget | None:
    """The target of the table that has exactly LLVM's name and feature string, if there is one."""
    same = (one for one in TARGETS if (one.cpu, one.features) == (cpu, features))
    return next(same, None)


def target_named(name: str) -> BuiltTarget:
    """A target of the table by its name.

    Raises:
        KeyError: there is none of that name.
    """
    return {target.name: target for target in TARGETS}[name]
