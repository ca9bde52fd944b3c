"""The thread team, Python side: its members take turns, and survive a fork."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from minner.errors import MinnerError, warn
from minner.kernels.codegen.loader import Forward
from minner.kernels.model import Shape
from minner.kernels.runtime.call import BAD_ID, BAD_ROW, NOT_FINITE, OUTCOME, Call
from minner.kernels.runtime.helpers import Helpers
from minner.kernels.runtime.team_state import FIELD_STRIDE, TIMESTAMPS, WORKERS

if TYPE_CHECKING:
    from minner.kernels.runtime.stage_timings import StageTimings


class Team:
    """Threads that run one forward pass at a time, together.

    Helpers start with the first pass, as daemon threads. Callers from several threads take turns.
    The handler of a signal may raise wherever it interrupts: whatever the next pass needs is either
    written anew by that pass, or replaced as a whole by one assignment.
    """

    def __init__(self, forward: Forward, shape: Shape, workers: int) -> None:
        """Describe a team of `workers` threads for one model; the caller of `run` is one."""
        self._forward, self._shape = forward, shape
        self.workers = workers
        self._reset()
        _teams.add(self)

    def _reset(self) -> None:
        self._lock: Any = threading.RLock()  # knows its owner; we never take it twice
        self._helpers: Helpers | None = None

    def turn(self) -> Any:
        """The right to prepare the shared memory of a pass and to run it: a lock, for a `with`.

        It is the lock itself, because no signal comes between its taking and the `with`.

        Raises:
            MinnerError: the thread that holds the lock asks for it again.
        """
        if self._lock._is_owned():
            raise MinnerError(
                "this model is in the middle of a call by the same thread: a signal handler, or "
                "code within a trace, cannot call it; load a second model for that"
            )
        return self._lock

    def run_stages(self, call: Call, first: int, end: int) -> None:
        """Run the stages `first` to `end - 1` of a pass; only inside `turn`.

        In all other stages the work queues are empty, so the buffers stay as the last call left
        them. `model.stage_names` lists the stages.
        """
        helpers = self._helpers or self._start()
        helpers.choose_stages(first, end)
        self._run(helpers, call, None)

    def run(self, call: Call, timings: StageTimings | None = None) -> bool:
        """Run one pass; only inside `turn`.

        Args:
            call: what to work on.
            timings: filled with the time of every stage, if given.

        Returns:
            Whether all logits are finite.

        Raises:
            MinnerError: an id is outside the vocabulary, or a row is none.
        """
        helpers = self._helpers or self._start()
        if helpers.stages_chosen:
            helpers.choose_all_stages()
        return self._run(helpers, call, timings) != NOT_FINITE

    def _run(self, helpers: Helpers, call: Call, timings: StageTimings | None) -> int:
        """Run the chosen stages, and return how the call ended."""
        helpers.state[TIMESTAMPS * FIELD_STRIDE] = (
            0 if timings is None else timings.stamps.ctypes.data
        )
        helpers.call[: len(call)] = call
        self._forward(helpers.address, 0, 0)
        outcome = int(helpers.call[OUTCOME])
        if outcome == BAD_ID:
            raise MinnerError(f"ids must be from 0 to {self._shape.vocabulary - 1}")
        if outcome == BAD_ROW:
            raise MinnerError(f"rows must be ascending numbers from 0 to {call.tokens - 1}")
        return outcome

    def _start(self) -> Helpers:
        """Start all helpers, or none: an exception leaves the team as it was."""
        helpers = Helpers(self._forward, self._shape, self.workers)
        try:
            refusal = helpers.start()
        except BaseException:
            helpers.stop()
            raise
        self._helpers = helpers
        if refusal is not None:
            count = helpers.state[WORKERS * FIELD_STRIDE]
            warn(
                f"the system grants this model {count} of {self.workers} threads ({refusal}): it "
                f"is slower, with the same answers; raise the limit, or load with threads={count}"
            )
        return helpers

    def forget_helpers(self) -> None:
        """Start anew in a forked child, which has inherited no thread."""
        if self._helpers is not None:
            self._helpers.forget()
        self._reset()


_teams: weakref.WeakSet[Team] = weakref.WeakSet()


def _after_fork() -> None:
    for team in _teams:
        team.forget_helpers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
