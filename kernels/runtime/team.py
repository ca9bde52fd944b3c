"""The thread team, compiled side: how several threads walk through one forward pass together.

Every thread runs the same function. Each kernel is cut into items, and every thread has a work
queue of them; a thread whose queue is empty steals from the others, so a core that is disturbed
just does less. At the end of a kernel all threads wait at a barrier. Between two passes the helpers
spin for a fraction of a millisecond, then park: they block in a `read` of an event or a pipe and
use no CPU. The leader wakes them with eight bytes. All of that is compiled code, without the GIL.

Bits are the same on any number of threads: one thread computes each result, in an order that does
not depend on which thread it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from llvmlite import ir

from minner.kernels.runtime.team_state import (
    ARRIVED,
    EMPTY,
    END_STAGE,
    FIELD_STRIDE,
    FIRST_STAGE,
    GENERATION,
    PARKED,
    PER_RANK,
    QUEUE_HEAD,
    SEEN,
    STAGE,
    TICKET,
    TIMESTAMPS,
    WAKE,
    WAKE_BYTES,
    WORKERS,
    Member,
)
from minner.kernels.vector.control import loop, loop_while, when
from minner.kernels.vector.instructions import minimum, select, to_int32
from minner.kernels.vector.staged import staged
from minner.kernels.vector.values import (
    INT32,
    INT64,
    Array,
    Pointer,
    Value,
    ValueLike,
    Variable,
    call,
    emit,
    lift,
    on_x86,
)

ROWS_PER_ITEM = 4
"""Rows that a thread takes at once: about a microsecond of work."""

SPINS = 1000
"""Pauses before a waiting thread yields its core: 10 to 50 microseconds, by processor."""

YIELDS = 1000
"""Times that a helper then yields before it parks: about 0.3 milliseconds. Waking a parked helper
takes 50 microseconds; a caller whose next short call comes soon does not pay for that."""

TIMESTAMP_BYTES = 16
"""Of C's `struct timespec`: two int64 on 64-bit machines."""


# ---- atomics ----------------------------------------------------------------------------------


def _atomic(operation: str, at: Pointer, value: Any) -> Value:
    operand = lift(value, INT64).code
    return Value(emit().atomic_rmw(operation, at.code, operand, "seq_cst"))


def _load(at: Pointer) -> Value:
    return Value(emit().load_atomic(at.code, "seq_cst", 8))


def _store(at: Pointer, value: Any) -> None:
    emit().store_atomic(lift(value, INT64).code, at.code, "seq_cst", 8)


def _pause() -> None:
    """Tell an x86 core that this is a spin loop, so that its other hardware thread runs faster."""
    if on_x86():
        call("llvm.x86.sse2.pause", ir.VoidType())


# ---- inside a pass ----------------------------------------------------------------------------


def team_size(team: Member) -> Value:
    """How many threads the team has."""
    workers: Value = team.state[WORKERS * FIELD_STRIDE].scalar()
    return workers


def shared_items(
    team: Member, count: Value, turns: ValueLike = 1
) -> Iterator[tuple[Value, Value, Value]]:
    """Emit a loop over the items 0 .. count - 1, `turns` times over, that a team shares.

    The queue of each rank holds neighbouring items, the same ones whenever the count is the same,
    so a thread finds in its cache what it wrote itself. When its own queue is empty, a thread
    steals from the next rank's, and so on. No bit of the results depends on who takes an item.

    Yields:
        The item, which turn it is, and the item that this thread will probably take next, so that
        its data can be prefetched.
    """
    workers = team_size(team)
    for ahead in loop(workers):
        owner = (team.rank + ahead) % workers
        first = count * owner // workers
        size = count * (owner + 1) // workers - first
        head = team.state[(QUEUE_HEAD + owner * PER_RANK) * FIELD_STRIDE]
        with when(size > 0):
            for taken, following in _take(head, size * turns):
                yield first + taken % size, taken // size, first + following % size


def _take(head: Pointer, count: Value) -> Iterator[tuple[Value, Value]]:
    """Emit a loop over the numbers below `count` that this thread takes from a queue.

    Yields:
        The number and the next one, which is already claimed, and may be `count` or more.
    """
    taken = Variable(_atomic("add", head, 1))
    for _ in loop_while(lambda: taken.value < count):
        following = _atomic("add", head, 1)
        yield taken.value, following
        taken.value = following


def shared_rows(team: Member, total: Value) -> Iterator[Value]:
    """Emit a loop over rows 0 .. total - 1 that a team shares, ROWS_PER_ITEM at a time."""
    for item, _, _ in shared_items(team, (total + (ROWS_PER_ITEM - 1)) // ROWS_PER_ITEM):
        first = item * ROWS_PER_ITEM
        yield from loop(first, minimum(first + ROWS_PER_ITEM, total))


def barrier(team: Member) -> None:
    """Wait until all threads are here. Afterwards each sees what the others wrote."""
    state = team.state
    workers = team_size(team)
    generation = _load(state[GENERATION * FIELD_STRIDE])
    before = _atomic("add", state[ARRIVED * FIELD_STRIDE], 1)
    with when(before.equals(workers - 1)):
        stage = state[STAGE * FIELD_STRIDE].scalar() + 1
        state[STAGE * FIELD_STRIDE].store_scalar(stage)
        _note_time(state)
        _store(state[ARRIVED * FIELD_STRIDE], 0)
        head = _first_item(state, stage)
        for rank in loop(workers):
            _store(state[(QUEUE_HEAD + rank * PER_RANK) * FIELD_STRIDE], head)
        _store(state[GENERATION * FIELD_STRIDE], generation + 1)
    _spin_while(lambda: _load(state[GENERATION * FIELD_STRIDE]).equals(generation))


def _first_item(state: Array, stage: Value) -> Value:
    """Where the queues of a stage begin: past the last item if the pass leaves the stage out."""
    first, end = (state[field * FIELD_STRIDE].scalar() for field in (FIRST_STAGE, END_STAGE))
    return select(stage < first, EMPTY, select(stage < end, lift(0, INT64), EMPTY))


def _note_time(state: Array) -> None:
    """Write a time stamp if stages are timed (see stage_timings.py). One thread at a time."""
    timestamps = state[TIMESTAMPS * FIELD_STRIDE].scalar()
    with when(timestamps.differs(0)):
        stage = state[STAGE * FIELD_STRIDE].scalar()
        clock = lift(time.CLOCK_MONOTONIC, INT32)
        call("clock_gettime", INT32, clock, timestamps + stage * TIMESTAMP_BYTES)


def _spin_while(condition: Callable[[], Value], park: Callable[[], None] | None = None) -> None:
    """Spin while a condition holds; after SPINS pauses, yield the core each time.

    A container may have fewer CPUs than it shows: then the thread that we wait for needs our core.
    After YIELDS yields, `park` if that is given.
    """
    spins = Variable(lift(0, INT64))
    for _ in loop_while(condition):
        _pause()
        spins.value = spins.value + 1
        with when(spins.value > SPINS):
            call("sched_yield", INT32)
        if park is not None:
            with when(spins.value > SPINS + YIELDS):
                park()
                spins.value = lift(0, INT64)


# ---- between passes ---------------------------------------------------------------------------


@staged
def call_helpers(state: Array) -> None:
    """The leader's side: start a pass, and wake the helpers that have parked."""
    workers = state[WORKERS * FIELD_STRIDE].scalar()
    state[STAGE * FIELD_STRIDE].store_scalar(lift(0, INT64))
    _note_time(state)
    _atomic("add", state[TICKET * FIELD_STRIDE], 1)
    for rank in loop(1, workers):
        was_parked = _atomic("xchg", state[(PARKED + rank * PER_RANK) * FIELD_STRIDE], 0)
        with when(was_parked.equals(1)):
            wake = to_int32(state[(WAKE + rank * PER_RANK) * FIELD_STRIDE].scalar())
            content = state[WORKERS * FIELD_STRIDE]  # any but 0, which would not wake
            call("write", INT64, wake, content, lift(WAKE_BYTES, INT64))


@staged
def await_call(state: Array, rank: Value, pipe: Value) -> None:
    """A helper's side: return when there is a pass that this helper has not seen."""
    seen_at, parked_at = (
        state[(SEEN + rank * PER_RANK) * FIELD_STRIDE],
        state[(PARKED + rank * PER_RANK) * FIELD_STRIDE],
    )
    seen = seen_at.scalar()
    ticket = state[TICKET * FIELD_STRIDE]
    _spin_while(
        lambda: _load(ticket).equals(seen), park=lambda: _park(ticket, seen, parked_at, pipe)
    )
    seen_at.store_scalar(seen + 1)


def _park(ticket: Pointer, seen: Value, parked_at: Pointer, pipe: Value) -> None:
    """Block in `read` until the leader writes, unless a call has just come in.

    Whoever exchanges the 1 at `parked_at` for a 0 decides. If it is the leader, it will write, and
    we must read. If it is us, nobody will write, and we must not read.
    """
    _store(parked_at, 1)
    must_sleep = Variable(lift(1, INT64))
    with when(_load(ticket).differs(seen)):
        must_sleep.value = lift(1, INT64) - _atomic("xchg", parked_at, 0)
    with when(must_sleep.value.equals(1)):
        buffer = Variable(lift(0, INT64))
        call("read", INT64, to_int32(pipe), buffer.address, lift(WAKE_BYTES, INT64))
