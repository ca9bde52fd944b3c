"""The thread team: how several threads walk through one forward pass together.

Every thread runs the same function. Inside it they share each kernel's items through atomic
counters (`claims`) and `meet` at its end, so a core that is disturbed by its neighbours
just takes fewer items. Between two passes the helpers spin for a fraction of a millisecond, then
park in a blocking `read` of an event (or pipe), where they use no CPU; the leader wakes them with
eight bytes. All of it is compiled code without the GIL.

The shared state is an int64 array, one cache line pair (LINE elements) per field, so that no two
threads write to the same line by accident.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from llvmlite import ir

from minner.kernels.runtime.layout import (
    ARRIVED,
    GENERATION,
    LAP,
    LAPS,
    LINE,
    PARKED,
    PER_RANK,
    SEEN,
    TAKEN,
    TICKET,
    WAKE,
    WORKERS,
    Member,
)
from minner.kernels.vector.staged import (
    INT32,
    INT64,
    Array,
    Operand,
    Pointer,
    Value,
    Variable,
    call,
    emit,
    lift,
    loop,
    loop_while,
    minimum,
    on_x86,
    staged,
    to_int32,
    when,
)

ROWS_PER_ITEM = 4
"""Rows that a thread takes at once: about a microsecond of work."""

SPINS = 1000
"""Pauses before a waiting thread gives way: 10 to 50 microseconds, by processor."""

YIELDS = 1000
"""Times that a helper then gives way before it parks: about 0.3 milliseconds. Waking it takes 50
microseconds, which a caller's next short call is spared."""


# ---- atomics ----------------------------------------------------------------------------------


def _atomic(operation: str, at: Pointer, value: Any) -> Value:
    operand = lift(value, INT64).code
    return Value(emit().atomic_rmw(operation, at.code, operand, "seq_cst"))


def _load(at: Pointer) -> Value:
    return Value(emit().load_atomic(at.code, "seq_cst", 8))


def _store(at: Pointer, value: Any) -> None:
    emit().store_atomic(lift(value, INT64).code, at.code, "seq_cst", 8)


def _pause() -> None:
    """Tell the core that this is a spin loop; on x86 it then leaves the other threads room."""
    if on_x86():
        call("llvm.x86.sse2.pause", ir.VoidType())


# ---- inside a pass ----------------------------------------------------------------------------


def claims(team: Member, count: Value, turns: Operand = 1) -> Iterator[tuple[Value, Value, Value]]:
    """Emit a loop over the items 0 .. count - 1, `turns` times over, that a team shares.

    Each rank has a share of neighbouring items, the same one whenever the count is the same: so a
    thread finds near it what it wrote itself. Who has finished his own share helps with the
    others'. Which thread takes an item decides about no bit of the results.

    Yields:
        The item, which turn it is, and the item that this thread will do after it, or any one if
        there is none, so that its data can be fetched meanwhile.
    """
    workers = team.state[WORKERS * LINE].scalar()
    for ahead in loop(workers):
        owner = (team.rank + ahead) % workers
        first = count * owner // workers
        size = count * (owner + 1) // workers - first
        counter = team.state[(TAKEN + owner * PER_RANK) * LINE]
        with when(size > 0):
            for taken, following in _take(counter, size * turns):
                yield first + taken % size, taken // size, first + following % size


def _take(counter: Pointer, count: Value) -> Iterator[tuple[Value, Value]]:
    """Emit a loop over what this thread gets of the numbers below `count`, and its next number."""
    taken = Variable(_atomic("add", counter, 1))
    for _ in loop_while(lambda: taken.value < count):
        following = _atomic("add", counter, 1)
        yield taken.value, following
        taken.value = following


def shared_rows(team: Member, total: Value) -> Iterator[Value]:
    """Emit a loop over rows 0 .. total - 1 that a team shares, ROWS_PER_ITEM at a time."""
    for item, _, _ in claims(team, (total + (ROWS_PER_ITEM - 1)) // ROWS_PER_ITEM):
        first = item * ROWS_PER_ITEM
        yield from loop(first, minimum(first + ROWS_PER_ITEM, total))


def meet(team: Member) -> None:
    """Wait until all threads are here; afterwards each sees what the others wrote."""
    state = team.state
    workers = state[WORKERS * LINE].scalar()
    generation = _load(state[GENERATION * LINE])
    before = _atomic("add", state[ARRIVED * LINE], 1)
    with when(before.equals(workers - 1)):
        _note_time(state)
        _store(state[ARRIVED * LINE], 0)
        for rank in loop(workers):
            _store(state[(TAKEN + rank * PER_RANK) * LINE], 0)
        _store(state[GENERATION * LINE], generation + 1)
    _spin_while(lambda: _load(state[GENERATION * LINE]).equals(generation))


def _note_time(team: Array) -> None:
    """Write a time stamp, where somebody measures: the end of a stage (see stage_timings.py).

    Only one thread comes here at a time. C's `struct timespec` is two int64 on 64-bit machines.
    """
    laps = team[LAPS * LINE].scalar()
    with when(laps.differs(0)):
        lap = team[LAP * LINE]
        clock = lift(time.CLOCK_MONOTONIC, INT32)
        call("clock_gettime", INT32, clock, laps + lap.scalar() * 16)
        lap.store_scalar(lap.scalar() + 1)


def _spin_while(condition: Any, park: Callable[[], None] | None = None) -> None:
    """Spin; after SPINS pauses offer the core to other threads each time.

    Without that a container with fewer CPUs than it shows would wait for the thread whose core
    it occupies. After YIELDS offers, `park`, if there is such a way to wait.
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
def call_helpers(team: Array) -> None:
    """The leader's side: start a pass, and wake the helpers that have parked."""
    workers = team[WORKERS * LINE].scalar()
    team[LAP * LINE].store_scalar(lift(0, INT64))
    _note_time(team)
    _atomic("add", team[TICKET * LINE], 1)
    for rank in loop(1, workers):
        was_parked = _atomic("xchg", team[(PARKED + rank * PER_RANK) * LINE], 0)
        with when(was_parked.equals(1)):
            wake = to_int32(team[(WAKE + rank * PER_RANK) * LINE].scalar())
            call("write", INT64, wake, team[WORKERS * LINE], lift(8, INT64))


@staged
def await_call(team: Array, rank: Value, pipe: Value) -> None:
    """A helper's side: return when there is a pass that this helper has not seen."""
    seen_at, parked_at = (
        team[(SEEN + rank * PER_RANK) * LINE],
        team[(PARKED + rank * PER_RANK) * LINE],
    )
    seen = seen_at.scalar()
    ticket = team[TICKET * LINE]
    _spin_while(
        lambda: _load(ticket).equals(seen), park=lambda: _park(ticket, seen, parked_at, pipe)
    )
    seen_at.store_scalar(seen + 1)


def _park(ticket: Pointer, seen: Value, parked_at: Pointer, pipe: Value) -> None:
    """Block in `read` until the leader writes, unless a call has just come in.

    Whoever takes the 1 out of `parked_at` decides: the leader, who then writes for us to read, or
    we ourselves, who then need not.
    """
    _store(parked_at, 1)
    must_sleep = Variable(lift(1, INT64))
    with when(_load(ticket).differs(seen)):
        must_sleep.value = lift(1, INT64) - _atomic("xchg", parked_at, 0)
    with when(must_sleep.value.equals(1)):
        word = Variable(lift(0, INT64))
        call("read", INT64, to_int32(pipe), word.address, lift(8, INT64))
