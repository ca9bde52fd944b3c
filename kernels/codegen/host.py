"""The processor of this machine, as LLVM names it. LLVM is asked once; its answer is cached."""

from __future__ import annotations

from minner.cache import (
    cache_directory,
    digest_for_name,
    keep_checked,
    read_checked,
    version_of,
)
from minner.errors import MinnerError
from minner.kernels.codegen import processor

NO_KERNELS = (
    "this installation has no compiled kernels for this processor, and no Numba to compile them: "
    "install numba, or a wheel of minner with kernels; minner.reference runs a model in NumPy "
    "alone, slowly"
)

IDENTITY = ("vendor_id", "cpu family", "model", "model name", "stepping", "cpuid level", "flags")
"""The keys whose values tell two x86 processors apart; `flags` are the features that the system
lets programs use."""


SAYS = "minner: a processor"
"""The header line of the cached file."""


def host_cpu() -> tuple[str, str]:
    """LLVM's name of the processor, and its feature string, such as ``+avx2,+fma,-avx512f``.

    Both are cached in a file of two lines. Its name depends on the processor, because machines may
    share a home directory.
    """
    identity = _identity()
    if identity is None:
        return _ask_llvm()
    digest = digest_for_name(version_of("llvmlite") + identity)
    path = cache_directory() / f"processor-{digest}.bin"
    known = read_checked(path, SAYS)
    if known is None:
        answer = _ask_llvm()
        keep_checked(path, SAYS, "\n".join(answer).encode())
        return answer
    cpu, features = known.decode().split("\n")
    return cpu, features


def _identity() -> bytes | None:
    """The lines about the first x86 processor; None where there are none."""
    try:
        lines = [
            line
            for line in processor.lines_of_first()
            if line.partition(b":")[0].strip().decode("ascii", "replace") in IDENTITY
        ]
    except OSError:
        return None
    return b"".join(lines) if len(lines) == len(IDENTITY) else None


def _ask_llvm() -> tuple[str, str]:
    try:
        import llvmlite.binding as llvm
    except ImportError as error:
        raise MinnerError(NO_KERNELS) from error
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
