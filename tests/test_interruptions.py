"""Handlers of signals that raise or call back, systems that refuse threads: no wrong answer.

A call that is interrupted leaves the model as it was. `tests/torture` interrupts at every line;
these are the places where it once went wrong.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minner
from minner.engine import Engine
from minner.errors import MinnerError, MinnerMemoryError, MinnerWarning
from minner.weights.checkpoint import Checkpoint, read_checkpoint
from minner.weights.library import refusing_faults

IDS = [np.arange(1, 20, dtype=np.int32), np.arange(5, 12, dtype=np.int32)]


class Interruption(Exception):
    """What the handler of a signal raises."""


@pytest.fixture(scope="module")
def checkpoint(tiny_path: Path) -> Checkpoint:
    return read_checkpoint(tiny_path)


@pytest.fixture(scope="module")
def expected(checkpoint: Checkpoint) -> list[Any]:
    return Engine(checkpoint, 1).logits(IDS)


def assert_same(actual: list[Any], expected: list[Any]) -> None:
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def helper_threads() -> int:
    return sum(thread.name.startswith("minner-") for thread in threading.enumerate())


def wait_for_helpers(count: int) -> None:
    deadline = time.monotonic() + 10
    while helper_threads() > count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert helper_threads() <= count


@contextmanager
def handler(handle: Any) -> Iterator[None]:
    before = signal.signal(signal.SIGUSR1, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


# ---- a start that is interrupted ----------------------------------------------------------------


@pytest.mark.parametrize("started", [1, 2, 3])
@pytest.mark.parametrize("error", [Interruption, KeyboardInterrupt, TimeoutError, RuntimeError])
def test_an_interrupted_start_leaves_the_model_as_it_was(
    checkpoint: Checkpoint,
    expected: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    started: int,
    error: type[BaseException],
) -> None:
    """As if a handler raised while `Thread.start` waits for the thread that it has started."""
    before, count = helper_threads(), 0
    start = threading.Thread.start

    def start_and_raise(thread: threading.Thread) -> None:
        nonlocal count
        start(thread)
        count += 1
        if count == started:
            raise error("by a handler")

    engine = Engine(checkpoint, 4)
    with monkeypatch.context() as patch, pytest.raises(error):
        patch.setattr(threading.Thread, "start", start_and_raise)
        engine.logits(IDS)
    for _ in range(10):
        assert_same(engine.logits(IDS), expected)
    wait_for_helpers(before + 3)


def test_what_a_handler_raises_within_a_start_stays_what_it_is(
    checkpoint: Checkpoint, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CPython then has a KeyError in its place."""
    start_new_thread = threading._start_new_thread  # type: ignore[attr-defined]

    def start_and_raise(*arguments: Any) -> None:
        start_new_thread(*arguments)
        time.sleep(0.1)  # the thread is not in limbo any more
        raise TimeoutError("by a handler")

    engine = Engine(checkpoint, 2)
    with monkeypatch.context() as patch, pytest.raises(TimeoutError):
        patch.setattr(threading, "_start_new_thread", start_and_raise)
        engine.logits(IDS)
    assert_same(engine.logits(IDS), expected)


@pytest.mark.parametrize("error", [ValueError, Exception, TimeoutError, KeyboardInterrupt])
def test_what_a_handler_raises_is_no_fault_of_tokenizer_json(error: type[BaseException]) -> None:
    def interrupt(*_: object) -> None:
        raise error("by a handler")

    with handler(interrupt), pytest.raises(error) as raised, refusing_faults(Path("x"), "is bad"):
        signal.raise_signal(signal.SIGUSR1)
    assert type(raised.value) is error


def test_any_line_of_the_first_call_may_be_the_last(
    checkpoint: Checkpoint, expected: list[Any]
) -> None:
    files, before, line = ("helpers.py", "threads.py", "team_state.py"), helper_threads(), 0
    left, finished = 0, False

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(files):
            return None
        left -= event == "line"
        if event == "line" and left == 0:
            raise Interruption
        return trace

    while not finished:
        line += 1
        left = line
        engine = Engine(checkpoint, 3)
        sys.settrace(trace)
        try:
            with suppress(Interruption):
                engine.logits(IDS)
                finished = True
        finally:
            sys.settrace(None)
        assert_same(engine.logits(IDS), expected)
        assert_same(engine.logits(IDS), expected)
    assert line > 40
    del engine
    wait_for_helpers(before)


def test_an_interrupted_pass_of_some_stages_does_not_spoil_the_next(
    checkpoint: Checkpoint, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise Interruption

    engine = Engine(checkpoint, 2)
    with engine.turn():
        stages = engine.stages(IDS)
        with monkeypatch.context() as patch, pytest.raises(Interruption):
            patch.setattr(engine._team, "_run", interrupt)
            stages.run(2, 3)
    assert_same(engine.logits(IDS), expected)


# ---- calls from a handler, and within a trace ---------------------------------------------------


def test_a_handler_that_calls_the_model_is_refused(
    checkpoint: Checkpoint, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(checkpoint, 2)
    prepare, raised = engine._prepare, []

    def call_back(*_: object) -> None:
        with pytest.raises(MinnerError, match="in the middle of a call by the same thread"):
            engine.logits(IDS)
        raised.append(True)

    def prepare_interrupted(*arguments: Any) -> Any:
        signal.raise_signal(signal.SIGUSR1)
        return prepare(*arguments)

    with handler(call_back), monkeypatch.context() as patch:
        patch.setattr(engine, "_prepare", prepare_interrupted)
        assert_same(engine.logits(IDS), expected)
    assert raised
    assert_same(engine.logits(IDS), expected)


def test_a_call_within_a_trace_is_refused(checkpoint: Checkpoint, expected: list[Any]) -> None:
    engine = Engine(checkpoint, 2)
    with engine.turn():
        engine.stages(IDS)
        with pytest.raises(MinnerError, match="within a trace"):
            engine.logits(IDS)
        with pytest.raises(MinnerError, match="within a trace"):
            engine.turn()
    assert_same(engine.logits(IDS), expected)


# ---- a system that refuses ----------------------------------------------------------------------


@pytest.mark.parametrize("granted", [0, 1, 2])
def test_fewer_threads_than_asked_for(
    checkpoint: Checkpoint, expected: list[Any], monkeypatch: pytest.MonkeyPatch, granted: int
) -> None:
    count, start = 0, threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        nonlocal count
        if count == granted:
            raise RuntimeError("can't start new thread")
        count += 1
        start(thread)

    engine = Engine(checkpoint, 4)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.warns(MinnerWarning, match=rf"this model {granted + 1} of 4 threads \(can't"):
        assert_same(engine.logits(IDS), expected)
    for _ in range(10):
        assert_same(engine.logits(IDS), expected)


@pytest.mark.skipif(not hasattr(os, "eventfd"), reason="there are events on Linux only")
def test_no_descriptors(
    checkpoint: Checkpoint, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "eventfd", refuse)
    engine = Engine(checkpoint, 2)
    with pytest.warns(MinnerWarning, match=r"1 of 2 threads .*Too many open files"):
        assert_same(engine.logits(IDS), expected)


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS])
@pytest.mark.skipif(not hasattr(os, "eventfd"), reason="there are events on Linux only")
def test_a_pipe_where_a_sandbox_forbids_events(
    checkpoint: Checkpoint, expected: list[Any], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def forbid(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "eventfd", forbid)
    engine = Engine(checkpoint, 3)
    for _ in range(5):
        assert_same(engine.logits(IDS), expected)
        time.sleep(0.02)  # long enough for the helpers to park
    assert len(set(engine._team._helpers._wakes[0]._open)) == 2  # type: ignore[union-attr]


@pytest.mark.skipif(not hasattr(os, "eventfd"), reason="there are events on Linux only")
def test_one_descriptor_for_each_helper(checkpoint: Checkpoint) -> None:
    engine = Engine(checkpoint, 6)
    engine.logits(IDS)
    assert engine._team._helpers is not None
    wakes = engine._team._helpers._wakes
    assert [len(wake._open) for wake in wakes] == [1] * 5
    ends = {end for wake in wakes for end in wake._open}
    assert len(ends) == 5


@pytest.mark.parametrize("error", [MemoryError, SystemError])
def test_no_memory_is_a_minner_error_and_a_memory_error(
    checkpoint: Checkpoint,
    expected: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    """A SystemError is what code in C may raise that had no memory even for an exception."""

    def refuse(*_: object) -> Any:
        raise error

    engine = Engine(checkpoint, 2)
    for kind in (MinnerError, MemoryError):
        with monkeypatch.context() as patch, pytest.raises(kind, match="no memory for this call"):
            patch.setattr("minner.call_buffers.aligned_empty", refuse)
            engine.logits(IDS)
    assert_same(engine.logits(IDS), expected)
    monkeypatch.setattr("minner.engine.load_packed", refuse)
    with pytest.raises(MinnerError, match="no memory for this model"):
        Engine(checkpoint, 2)


@pytest.mark.parametrize("error", [MemoryError, SystemError])
@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("minner.reader.pack_texts", ["John Smith"] * 2),
        ("minner.decoding.columns.Entity", ["John Smith"] * 2),
        ("minner.reader.encode_words", "John Smith"),
        ("minner.decoding.assembler.each_entity", "John Smith"),
    ],
)
def test_no_memory_around_the_model_is_a_minner_error(
    tiny_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, text: Any, error: type[Exception]
) -> None:
    def refuse(*_: object) -> Any:
        raise error

    ner = minner.load(tiny_path, threads=1)
    expected = ner(text)
    assert expected
    with monkeypatch.context() as patch, pytest.raises(MinnerMemoryError, match="these texts"):
        patch.setattr(place, refuse)
        ner(text)
    assert ner(text) == expected


def test_free_threaded_python_is_refused(tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    with pytest.raises(MinnerError, match="PYTHON_GIL=1"):
        minner.load(tiny_path)


def test_what_the_system_refuses_at_load_is_a_minner_error(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Any:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), "config.json")

    monkeypatch.setattr("minner.engine.load_packed", refuse)
    with pytest.raises(MinnerError, match=r"cannot be loaded: .*Too many open files"):
        Engine(checkpoint, 2)


def test_the_timeout_of_a_handler_stays_what_it_is(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A TimeoutError is an OSError, but says nothing of the system."""

    def interrupt(*_: object) -> Any:
        raise TimeoutError("by a handler")

    for name in ("load_packed", "load_forward"):
        with monkeypatch.context() as patch, pytest.raises(TimeoutError):
            patch.setattr(f"minner.engine.{name}", interrupt)
            Engine(checkpoint, 2)
