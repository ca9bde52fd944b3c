"""A small model whose logits are known, for what signals, threads and processes do to it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import minner
from checkpoints import write_checkpoint
from minner import MinnerError
from minner.engine import Engine
from minner.tagger import Tagger
from minner.weights.checkpoint import Checkpoint, open_checkpoint

LONG_AGO = 1_000_000_000

TEXT = "My name is John Smith and I work for Acme in London."

PRECISIONS = ("float32", "int8")


class Interruption(Exception):
    """What the handler of a signal raises, here."""


RAISED: tuple[type[BaseException], ...] = (
    *(Interruption, KeyboardInterrupt, TimeoutError, RuntimeError, OSError, ValueError, SystemExit),
)
"""What handlers raise elsewhere; a TimeoutError is an OSError, of which the system raises many."""


@dataclass(frozen=True)
class Known:
    """A checkpoint, a batch, and what comes of it in each precision.

    Attributes:
        checkpoint: the model.
        ids: the batch.
        logits: of the batch, by precision.
        entities: of TEXT.
    """

    checkpoint: Checkpoint
    ids: list[Any]
    logits: dict[str, list[Any]]
    entities: list[Any]

    def engine(self, threads: int = 2, precision: str = "float32") -> Engine:
        """The model, ready to run."""
        return Engine(self.checkpoint, threads, precision)

    def tagger(self, threads: int = 2) -> Tagger:
        """The same, with all that is around it."""
        return minner.load(self.checkpoint.directory, threads=threads)

    def assert_right(self, model: Engine | Tagger) -> None:
        """Run the batch, and compare every bit; a refusal is no answer here."""
        try:
            logits = self.ask(model)
        except MinnerError as error:
            raise AssertionError("refused") from error
        if isinstance(model, Tagger):
            assert logits == self.entities
            return
        for ours, theirs in zip(logits, self.logits[model.precision], strict=True):
            np.testing.assert_array_equal(ours, theirs)

    def ask(self, model: Engine | Tagger) -> list[Any]:
        """Run the batch or the text."""
        return model(TEXT) if isinstance(model, Tagger) else model.logits(self.ids)


def known_model(workshop: Path, precisions: tuple[str, ...] = PRECISIONS) -> Known:
    """Write a checkpoint that looks old enough to be kept, and run it on one thread."""
    folder = write_checkpoint(workshop / "model", max_positions=32, dim=16, n_heads=2)
    for path in folder.iterdir():
        os.utime(path, (LONG_AGO, LONG_AGO))
    checkpoint, random = open_checkpoint(folder), np.random.default_rng(0)
    lengths = (1, 9, 31, 2, 16)
    ids = [random.integers(0, checkpoint.config.vocab_size, n).astype(np.int32) for n in lengths]
    logits = {name: Engine(checkpoint, 1, name).logits(ids) for name in precisions}
    return Known(checkpoint, ids, logits, minner.load(folder, threads=1)(TEXT))


def in_child(work: Callable[[], object], seconds: float = 60.0) -> int | None:
    """Do something in a forked process.

    Returns:
        None if it came to its end, else the signal that ended it.

    Raises:
        AssertionError: it raised, or did not end in time.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        finally:
            sys.stderr.flush()
            os._exit(status)
    return wait_for(child, seconds)


def wait_for(child: int, seconds: float = 60.0) -> int | None:
    """Wait for a forked process; see `in_child`."""
    deadline = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise AssertionError(f"no end after {seconds:.0f} s")
        time.sleep(0.001)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    assert os.WEXITSTATUS(status) == 0, f"the child exited with {os.WEXITSTATUS(status)}"
    return None
