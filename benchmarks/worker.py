"""An engine in a process of its own, so that engines do not disturb one another.

Thread pools differ in what they do after a call: some spin for a hundred milliseconds, waiting
for the next one. That is their good right and makes them faster, but it must not slow down the
engine that is measured next. So a worker answers only when its process has gone to sleep.
"""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.usage import Usage, memory_mib, watched_burst
from minner.bench.timing import burst


class WorkerError(RuntimeError):
    """What was asked of a worker failed.

    Attributes:
        reason: why, in one line.
    """

    def __init__(self, reason: str, details: str = "") -> None:
        super().__init__(f"{reason}\n{details}".strip())
        self.reason = reason


class Worker:
    """An object that lives in another process."""

    def __init__(self, make: Callable[..., Any], *arguments: Any, parent: bool = False) -> None:
        """Start a process and have it call `make(*arguments)`; returns when that is done.

        Args:
            make: what the worker is to be.
            arguments: of it.
            parent: whether it may have processes of its own. It must then be closed in any case:
                Python waits for it before it ends.
        """
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(far_end, make, arguments), daemon=not parent
        )
        self._process.start()
        far_end.close()
        self._answer()

    @property
    def pid(self) -> int | None:
        """The number of the process."""
        return self._process.pid

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the object and return its result."""
        self._pipe.send((_call, method, arguments, {}))
        return self._answer()

    def burst(self, method: str, *arguments: Any, **limits: Any) -> list[float]:
        """Time repeated calls of a method; the limits are those of `minner.bench.timing.burst`."""
        self._pipe.send((burst, method, arguments, limits))
        return self._answer()

    def watch(self, method: str, *arguments: Any, **limits: Any) -> Usage:
        """Time calls as `burst` does, and tell what the process took meanwhile."""
        self._pipe.send((watched_burst, method, arguments, limits))
        return self._answer()

    def memory(self) -> dict[str, float]:
        """MiB of the process: `resident` now, and its `peak`."""
        self._pipe.send((memory_mib, None, (), {}))
        return self._answer()

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):  # it may have ended by itself
            self._pipe.send(None)
        self._process.join()

    def _answer(self) -> Any:
        try:
            succeeded, result = self._pipe.recv()
        except EOFError:
            self._process.join()
            raise WorkerError(f"a worker ended, exit code {self._process.exitcode}") from None
        if not succeeded:
            raise WorkerError(*result)
        return result


# ---- in the worker's process --------------------------------------------------------------------


def _serve(pipe: Connection, make: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        target = make(*arguments)
        pipe.send((True, None))
        while request := pipe.recv():
            action, method, values, limits = request
            about = (getattr(target, method),) if method else ()
            result = action(*about, *values, **limits)
            _fall_asleep()
            pipe.send((True, result))
    except EOFError:
        pass  # the main process has ended
    except Exception as error:
        first, *_ = [*str(error).splitlines(), ""]
        pipe.send((False, (f"{type(error).__name__}: {first}", traceback.format_exc())))


def _call(function: Callable[..., Any], *values: Any) -> Any:
    return function(*values)


def _fall_asleep(limit: float = 10.0) -> None:
    """Wait until no thread of this process uses a core any more."""
    end = time.perf_counter() + limit
    while time.perf_counter() < end:
        before = time.process_time()
        time.sleep(0.01)
        if time.process_time() - before < 0.0005:
            return
    raise RuntimeError(f"this process still uses a core {limit} s after its last call")
