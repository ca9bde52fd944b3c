"""The helper threads of a team, from their start to their end.

A start may be interrupted at any point: by a signal handler that raises, or by a system that grants
no more threads. Every start therefore has memory of its own. Threads of a failed start are told to
stop, and none of them can ever take part in a pass of the next.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import weakref
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from minner.kernels.codegen.loader import Forward
from minner.kernels.model import Shape
from minner.kernels.runtime.call import Call
from minner.kernels.runtime.team_state import (
    EMPTY,
    END_STAGE,
    FIELD_STRIDE,
    FIRST_STAGE,
    PER_RANK,
    QUEUE_HEAD,
    STOP,
    TICKET,
    WAKE,
    WAKE_BYTES,
    WORKERS,
    team_state,
)

REFUSALS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EPERM})
"""What a system says when it grants no more descriptors, memory or threads."""

FORBIDDEN = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS})
"""What a sandbox (seccomp) says of a system call that it does not allow."""

_QUEUES = slice(QUEUE_HEAD * FIELD_STRIDE, None, PER_RANK * FIELD_STRIDE)


class Wake:
    """What a helper sleeps in: eight bytes written to one end wake it.

    It is an event on Linux, else a pipe. Linux takes a write to a pipe as a sign that the writer is
    about to sleep, and wakes the reader on the writer's own core. Two threads were then slower than
    one until the scheduler moved one of them, milliseconds later.

    It is closed when neither the leader nor the helper holds it any more. Closed earlier, its
    number could be that of another file by the time the other side uses it.
    """

    def __init__(self) -> None:
        """Open an event, which takes one descriptor; a pipe takes two."""
        self._open: tuple[int, ...] = _event() or os.pipe()
        self.read_end, self.write_end = self._open[0], self._open[-1]

    def ring(self) -> None:
        """Wake the helper, or keep it from falling asleep."""
        if self._open:
            os.write(self.write_end, (1).to_bytes(WAKE_BYTES, sys.byteorder))

    def close(self) -> None:
        """Close it; in a forked child, where nobody sleeps in it."""
        ends, self._open = self._open, ()
        for end in ends:
            os.close(end)

    def __del__(self) -> None:
        """Close it, unless it was never opened."""
        if hasattr(self, "_open"):
            self.close()


def _event() -> tuple[int] | None:
    """An event; None where the system has none, or a sandbox forbids it."""
    if not hasattr(os, "eventfd"):
        return None
    try:
        return (os.eventfd(0, os.EFD_CLOEXEC),)
    except OSError as error:
        if error.errno not in FORBIDDEN:
            raise
        return None


class Helpers:
    """The threads that help one team's leader, and the memory that all of them share.

    Attributes:
        state: see `team_state.py`.
        call: int64, the arguments of a pass.
        address: of `call`.
        stages_chosen: whether the next pass would run some stages only.
    """

    def __init__(self, forward: Forward, shape: Shape, workers: int) -> None:
        """Prepare `workers - 1` helpers; `start` starts them."""
        self._forward, self._workers = forward, workers
        self.state = team_state(workers)
        # A helper needs to know its team's state before the first call, and nothing else of it.
        parts = Call(*[0] * len(Call._fields)), (self.state.ctypes.data,), shape
        self.call: NDArray[np.int64] = np.array([*chain(*parts)], dtype=np.int64)
        self.address = self.call.ctypes.data
        self.stages_chosen = False
        self._wakes: list[Wake] = []
        self._end = weakref.finalize(self, _stop, self.state, self._wakes)
        self._end.atexit = False  # daemon threads end with the process

    def start(self) -> str | None:
        """Start the threads. Where the system refuses one, the team goes on without the rest.

        Returns:
            Why there are fewer, if there are.
        """
        for rank in range(1, self._workers):
            try:
                wake = Wake()
                self._wakes.append(wake)
                self.state[(WAKE + PER_RANK * rank) * FIELD_STRIDE] = wake.write_end
                # A thread holds the memory, but not the team, which is freed while threads sleep.
                arguments = (self._forward, self.call, self.state, rank, wake)
                name = f"minner-{rank}"
                _start(threading.Thread(target=_serve, args=arguments, name=name, daemon=True))
            except (OSError, RuntimeError) as error:
                if not _is_refusal(error):
                    raise
                self.state[WORKERS * FIELD_STRIDE] = rank
                return str(error)
        return None

    def choose_stages(self, first: int, end: int) -> None:
        """Let the next pass run the stages `first` to `end - 1` alone: other queues are empty."""
        self.stages_chosen = True  # set first, so that an interruption is noticed
        self.state[[FIRST_STAGE * FIELD_STRIDE, END_STAGE * FIELD_STRIDE]] = first, end
        self.state[_QUEUES] = 0 if first == 0 else EMPTY

    def choose_all_stages(self) -> None:
        """Let the next passes run all stages."""
        self.choose_stages(0, EMPTY)
        self.stages_chosen = False

    def stop(self) -> None:
        """Let all threads that were started end. It may be called again."""
        _stop(self.state, self._wakes)

    def forget(self) -> None:
        """Close what a forked child has inherited; the threads are its parent's."""
        self._end.detach()
        for wake in self._wakes:
            wake.close()


def _start(thread: threading.Thread) -> None:
    """Start a thread. What the handler of a signal raises within stays what it is.

    Where it raises right after the thread has begun, CPython may put an error of its own in its
    place: a KeyError on removing a thread that already removed itself from a dictionary, or a
    RuntimeError on releasing a lock that it has not got back yet.
    """
    try:
        thread.start()
    except (KeyError, RuntimeError) as error:
        if error.__context__ is None:
            raise
        raise error.__context__ from None


def _is_refusal(error: Exception) -> bool:
    """Whether the system has refused something, not the handler of a signal raised an error."""
    if isinstance(error, OSError):
        return error.errno in REFUSALS
    return "new thread" in str(error)  # as CPython says; before a thread is there


def _stop(state: NDArray[np.int64], wakes: list[Wake]) -> None:
    """Let helpers return: each is woken, sees STOP, and ends."""
    state[STOP * FIELD_STRIDE] = 1
    state[TICKET * FIELD_STRIDE] += 1
    for wake in wakes:
        wake.ring()


def _serve(
    forward: Forward, call: NDArray[np.int64], _state: NDArray[np.int64], rank: int, wake: Wake
) -> None:
    """The body of a helper thread."""
    forward(call.ctypes.data, rank, wake.read_end)
