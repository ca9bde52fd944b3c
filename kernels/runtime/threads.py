"""The thread team, Python side: it starts helpers, takes turns, and survives a fork."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from minner.kernels.codegen.loader import Forward
from minner.kernels.model import Shape
from minner.kernels.runtime.call import Call
from minner.kernels.runtime.stage_timings import StageTimings
from minner.kernels.runtime.team_state import (
    EMPTY,
    END_STAGE,
    FIELD_STRIDE,
    FIRST_STAGE,
    PER_RANK,
    QUEUE_HEAD,
    STOP,
    TICKET,
    TIMESTAMPS,
    WAKE,
    team_state,
)

CGROUP_QUOTA = "/sys/fs/cgroup/cpu.max"
"""Version 2 of control groups: `quota period` in microseconds, or `max period`."""

UNLIMITED = 1 << 20
"""The cores of a control group that sets no limit."""


def available_cores() -> int:
    """Cores that this process may use: its affinity, capped by a container's CPU quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, _cgroup_quota()))


def _cgroup_quota() -> int:
    """Whole cores that the control group grants."""
    try:
        with open(CGROUP_QUOTA) as file:
            quota, period = file.read().split()
        return int(quota) // int(period) if quota != "max" else UNLIMITED
    except (OSError, ValueError):
        return UNLIMITED


class Team:
    """Threads that run one forward pass at a time, together.

    Helpers start with the first pass, as daemon threads. Callers from several threads take turns.
    """

    def __init__(self, forward: Forward, shape: Shape, workers: int) -> None:
        """Plan a team of `workers` threads, of which the caller of `run` is one, for one model."""
        self._forward, self._shape = forward, shape
        self.workers = workers
        self._stop: weakref.finalize[..., Team] | None = None
        self._reset()
        _teams.add(self)

    def _reset(self) -> None:
        """Start without helpers: at first, and in a forked child, which has none of its own."""
        inherited = self._stop.detach() if self._stop is not None else None
        if inherited is not None:
            for end in chain(*inherited[2][1]):  # the pipes, which lead to the parent's helpers
                os.close(end)
        self._stop = None
        self._lock = threading.Lock()
        self._state = team_state(self.workers)
        # A helper needs to know its team's state before the first call, and nothing else of it.
        parts = Call(*[0] * len(Call._fields)), (self._state.ctypes.data,), self._shape
        self._call = np.array([*chain(*parts)], dtype=np.int64)
        self._address = self._call.ctypes.data

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the team. Prepare the shared memory of a pass inside."""
        with self._lock:
            yield

    def run_stages(self, call: Call, first: int, end: int) -> None:
        """Run the stages `first` to `end - 1` of a pass; only inside `turn`.

        In all other stages the work queues are empty, so the buffers stay as the last call left
        them. `model.stage_names` lists the stages.
        """
        state, queues = self._state, slice(QUEUE_HEAD * FIELD_STRIDE, None, PER_RANK * FIELD_STRIDE)
        state[[FIRST_STAGE * FIELD_STRIDE, END_STAGE * FIELD_STRIDE]] = first, end
        state[queues] = 0 if first == 0 else EMPTY
        try:
            self.run(call)
        finally:
            state[[FIRST_STAGE * FIELD_STRIDE, END_STAGE * FIELD_STRIDE]] = 0, EMPTY
            state[queues] = 0

    def run(self, call: Call, timings: StageTimings | None = None) -> None:
        """Run one pass; only inside `turn`.

        Args:
            call: what to work on.
            timings: filled with the time of every stage, if given.
        """
        if self._stop is None and self.workers > 1:
            self._start()
        self._state[TIMESTAMPS * FIELD_STRIDE] = (
            0 if timings is None else timings.stamps.ctypes.data
        )
        self._call[: len(call)] = call
        self._forward(self._address, 0, 0)

    def _start(self) -> None:
        pipes = [_channel() for _ in range(1, self.workers)]
        for rank, (read_end, write_end) in enumerate(pipes, start=1):
            self._state[(WAKE + PER_RANK * rank) * FIELD_STRIDE] = write_end
            arguments = (self._forward, self._call, self._state, rank, read_end)
            name = f"minner-{rank}"
            threading.Thread(target=_serve, args=arguments, name=name, daemon=True).start()
        self._stop = weakref.finalize(self, _stop, self._state, pipes)
        self._stop.atexit = False  # daemon threads end with the process


def _channel() -> tuple[int, int]:
    """The two ends of what a helper sleeps in: eight bytes written to one end wake it.

    It is an event on Linux, else a pipe. Linux takes a write to a pipe as a sign that the writer is
    about to sleep, and wakes the reader on the writer's own core. Two threads were then slower than
    one until the scheduler moved one of them, milliseconds later.
    """
    if hasattr(os, "eventfd"):
        event = os.eventfd(0, os.EFD_CLOEXEC)
        return event, os.dup(event)
    return os.pipe()


def _stop(state: NDArray[np.int64], pipes: list[tuple[int, int]]) -> None:
    """Let the helpers return: each is woken, sees STOP, and ends."""
    state[STOP * FIELD_STRIDE] = 1
    state[TICKET * FIELD_STRIDE] += 1
    for _, write_end in pipes:
        with suppress(BrokenPipeError):  # a helper that was awake is gone already
            os.write(write_end, (1).to_bytes(8, sys.byteorder))
        os.close(write_end)


def _serve(
    forward: Forward, call: NDArray[np.int64], _state: NDArray[np.int64], rank: int, pipe: int
) -> None:
    """The body of a helper thread.

    It holds the shared memory, but not the team, so that a team can be freed while helpers sleep.
    """
    forward(call.ctypes.data, rank, pipe)
    os.close(pipe)


_teams: weakref.WeakSet[Team] = weakref.WeakSet()


def _after_fork() -> None:
    for team in _teams:
        team._reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
