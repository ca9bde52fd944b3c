"""What this machine's processor offers to programs, found without LLVM.

A feature counts only if the system lets programs use it: a hypervisor may hide it, and an operating
system may not save the registers that it needs. Features have the names of Linux's `/proc/cpuinfo`.
"""

from __future__ import annotations

import ctypes
import os
import sys
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux describes the processors: lines of `key : value`, an empty line after each."""

# https://docs.kernel.org/arch/x86/xstate.html
_ARCH_PRCTL, _GET_SUPPORTED, _REQUEST_PERMISSION, _TILE_DATA = 158, 0x1021, 0x1023, 18

_YMM_STATE = 1 << 1 | 1 << 2
_ZMM_STATE = _YMM_STATE | 1 << 5 | 1 << 6 | 1 << 7
"""The bits of XCR0 for registers: xmm, the upper halves of ymm; masks, and the rest of zmm."""

# linux/auxvec.h, and asm/hwcap.h of arm64
_HWCAPS = {(16, 1): "asimd", (16, 20): "asimddp", (26, 14): "bf16"}
"""(an entry of the auxiliary vector, a bit of it) -> the name of a feature."""


class Processor(NamedTuple):
    """A processor as programs may use it.

    Attributes:
        machine: as `uname -m` says: `x86_64` or `aarch64`; "" if there are no kernels for it.
        vendor: as CPUID says, such as `GenuineIntel`; "" on Arm.
        features: their names in `/proc/cpuinfo`.
    """

    machine: str = ""
    vendor: str = ""
    features: frozenset[str] = frozenset()


def this_processor() -> Processor:
    """The processor that this process runs on; one without features where nothing is known."""
    machine = os.uname().machine if sys.platform == "linux" and sys.maxsize > 2**32 else ""
    if machine == "aarch64":
        return Processor(machine, features=_arm_features())
    if machine != "x86_64":
        return Processor()
    try:
        text = b"".join(lines_of_first()).decode("ascii", "replace")
    except OSError:
        return Processor(machine)
    return x86_processor(text, _saved_states())


def lines_of_first() -> list[bytes]:
    """The lines about the first processor; Linux takes its time for each of the others.

    Raises:
        OSError: there is no such file.
    """
    with CPUINFO.open("rb") as file:
        return [*takewhile(bytes.strip, file)]


def x86_processor(cpuinfo: str, states: int | None = None) -> Processor:
    """What `/proc/cpuinfo` says of the first processor.

    Args:
        cpuinfo: the text of the file.
        states: XCR0, whose bits tell which registers the system saves; None where it is not known,
            and the text alone counts.
    """
    lines = (line.partition(":") for line in cpuinfo.partition("\n\n")[0].splitlines())
    values = {key.strip(): value.strip() for key, _, value in lines}
    features = frozenset(values.get("flags", "").split())
    if states is not None and states & _ZMM_STATE != _ZMM_STATE:
        features = frozenset(name for name in features if not name.startswith("avx512"))
    if states is not None and states & _YMM_STATE != _YMM_STATE:
        features -= {name for name in features if name.startswith("avx")} | {"fma", "f16c"}
    return Processor("x86_64", values.get("vendor_id", ""), features)


def _saved_states() -> int | None:
    """The part of XCR0 that programs may use; None on a Linux older than 5.17."""
    states = ctypes.c_uint64()
    status = _libc().syscall(_ARCH_PRCTL, _GET_SUPPORTED, ctypes.byref(states))
    return states.value if status == 0 else None


def _arm_features() -> frozenset[str]:
    getauxval = _libc().getauxval
    getauxval.restype, getauxval.argtypes = ctypes.c_ulong, [ctypes.c_ulong]
    return frozenset(name for (entry, bit), name in _HWCAPS.items() if getauxval(entry) >> bit & 1)


def request_amx() -> bool:
    """Ask Linux for the 8 KB of state that AMX tiles take; without that their first use is fatal.

    The permission holds for the whole process, its later threads and what it forks. The request is
    `arch_prctl(ARCH_REQ_XCOMP_PERM, 18)`, 18 being the number of the tiles' data among the states
    of the processor.
    """
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return False
    status: int = _libc().syscall(_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA)
    return status == 0


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
