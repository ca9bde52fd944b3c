"""Machines that grant little: descriptors, threads, memory, system calls."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import struct
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
from engines import Known, in_child, known_model

from minner import MinnerError

PROVOKED = (
    "a child with few descriptors, threads or megabytes, or in a sandbox (seccomp) that forbids "
    "eventfd2 and clone, or executable memory (MDWE)"
)
QUICK, LONG = 40, 5_000

EVENTFD2, CLONE, CLONE3 = 290, 56, 435
"""Numbers of system calls of Linux on x86-64."""


def prepare(workshop: Path) -> Known:
    """A model."""
    warnings.simplefilter("ignore")
    return known_model(workshop, ("float32",))


def trial(random: Random, known: Known) -> None:
    """Load and call in such a child: a right answer, or a MinnerError."""
    limit = random.choice(LIMITS)
    threads = random.choice((1, 2, 3, 8))

    def work() -> None:
        # Who becomes another user can no longer read what it needs to load.
        engine = known.engine(threads) if limit is _threads or random.random() < 0.3 else None
        limit(random)
        try:
            engine = engine or known.engine(threads)
            logits = [engine.logits(known.ids) for _ in range(3)]
        except MinnerError:
            return
        for ours in logits:
            for one, other in zip(ours, known.logits["float32"], strict=True):
                assert np.array_equal(one, other)

    assert in_child(work) is None


def _descriptors(random: Random) -> None:
    used = max(map(int, os.listdir("/proc/self/fd"))) + 1 if os.path.isdir("/proc/self/fd") else 64
    most = used + random.randint(0, 12)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _threads(random: Random) -> None:
    """Root has as many as it likes."""
    if os.geteuid() == 0:
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
    most = random.randint(1, 6)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def _memory(random: Random) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    most = pages * resource.getpagesize() + random.choice((0, 1 << 16, 1 << 20, 1 << 23, 1 << 25))
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _sandbox(random: Random) -> None:
    """A filter for system calls: what it forbids fails, with one of the usual numbers."""
    if not (sys.platform == "linux" and os.uname().machine == "x86_64"):
        return
    calls = random.sample((EVENTFD2, CLONE, CLONE3), random.randint(1, 3))
    number = random.choice((errno.EPERM, errno.ENOSYS))
    load, jump_if_equal, give = 0x20, 0x15, 0x06
    allow, fail = 0x7FFF0000, 0x00050000 | number
    program = [struct.pack("HBBI", load, 0, 0, 0)]
    for call in calls:
        program.append(struct.pack("HBBI", jump_if_equal, 0, 1, call))
        program.append(struct.pack("HBBI", give, 0, 0, fail))
    program.append(struct.pack("HBBI", give, 0, 0, allow))
    code = ctypes.create_string_buffer(b"".join(program))
    what = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None)
    no_new_privileges, set_seccomp, with_filter = 38, 22, 2
    assert libc.prctl(no_new_privileges, 1, 0, 0, 0) == 0
    libc.prctl(set_seccomp, with_filter, ctypes.c_char_p(what))  # not everywhere, in a sandbox


def _no_code(random: Random) -> None:
    """Memory is never executable after it was writable (Linux 6.3); kernels are loaded anew."""
    from minner.kernels.codegen.loader import load_forward

    load_forward.cache_clear()
    ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)


LIMITS: tuple[Callable[[Random], None], ...] = (
    *(_descriptors, _threads, _memory, _sandbox, _sandbox, _no_code),
)
