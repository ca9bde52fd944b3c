"""The memory that the threads of a team share: int64 fields, each on cache lines of its own.

`team.py` is the compiled code that works with them, `threads.py` the Python side.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FIELD_STRIDE = 16
"""int64 from one field to the next: 128 bytes, because processors fetch cache lines in pairs."""

WORKERS = 0  # threads of the team
TICKET = 1  # passes called so far
STOP = 2  # 1: helpers return
ARRIVED = 3  # threads that wait at the barrier
GENERATION = 4  # barriers passed so far
TIMESTAMPS = 5  # address where time stamps go (see stage_timings.py), or 0
STAGE = 6  # stages of this pass that are over
FIRST_STAGE = 7  # stages before this one have no work, see `threads.py`
END_STAGE = 8  # nor have this one and those after it
PARKED = 9  # + PER_RANK * rank: 1 while that helper sleeps or is about to
SEEN = 10  # + PER_RANK * rank: passes that helper has taken part in
WAKE = 11  # + PER_RANK * rank: the file descriptor that wakes it
QUEUE_HEAD = 12  # + PER_RANK * rank: items taken so far from that thread's work queue
PER_RANK = 4

WAKE_BYTES = 8
"""What is written to a helper's event or pipe; an event takes no other number of bytes."""

EMPTY = 1 << 40
"""The head of a queue beyond all its items."""

MOST_FIELDS = 1 << 30
"""The length that compiled code gives the array, which it does not know."""


class Member(NamedTuple):
    """One thread of a team."""

    state: Any  # int64, what the team shares
    rank: int  # of this thread; the leader's is 0


def team_state(workers: int) -> NDArray[np.int64]:
    """The shared state of a team that has not run yet."""
    count = (PARKED + PER_RANK * workers) * FIELD_STRIDE
    raw = np.zeros(count + FIELD_STRIDE, dtype=np.int64)
    start = -raw.ctypes.data // 8 % FIELD_STRIDE
    state = raw[start : start + count]
    state[WORKERS * FIELD_STRIDE] = workers
    state[END_STAGE * FIELD_STRIDE] = EMPTY
    return state
