"""End what a task waits for, because something else came first.

`asyncio.wait` and, up to Python 3.11, `asyncio.wait_for` make tasks of their own, at some ten
microseconds each; this makes none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Interrupt = Callable[[Exception], None]


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Let callbacks of the event loop interrupt the `with` at what it awaits.

    Yields:
        A function: the exception that it is called with is raised inside the `with`. It does
        nothing after the end of that.
    """
    task, ended = asyncio.current_task(), False
    reasons: list[Exception] = []

    def interrupt(reason: Exception) -> None:
        if task is not None and not ended and not reasons:
            reasons.append(reason)
            task.cancel()

    try:
        yield interrupt
    except asyncio.CancelledError:
        if not reasons:
            raise  # by somebody else
        # From Python 3.11 on, tasks count who cancelled them.
        if task is not None and hasattr(task, "uncancel"):
            task.uncancel()
        raise reasons[0] from None
    finally:
        ended = True
