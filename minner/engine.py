"""Runs packed batches of wordpiece ids through the compiled forward pass."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minner.call_buffers import CallBuffers
from minner.errors import OUT_OF_MEMORY, MinnerError, MinnerMemoryError, warn
from minner.kernels.codegen.loader import Forward, load_forward
from minner.kernels.runtime.buffers import buffer_count
from minner.kernels.runtime.call import ALL_ROWS, Call
from minner.kernels.runtime.cores import available_cores
from minner.kernels.runtime.operand_layout import FAST, OPERAND_LAYOUTS, attention_name
from minner.kernels.runtime.stage_timings import StageTimings
from minner.kernels.runtime.threads import Team
from minner.sequences import Ids, Places, Sequences, packed
from minner.weights.checkpoint import Checkpoint
from minner.weights.packed import load_packed
from minner.weights.packed_model import PackedModel

if TYPE_CHECKING:
    from minner.stages import Stages

Floats = NDArray[np.float32]

MOST_THREADS = 1024
"""More than any machine of today has cores. Where threads are far more than cores, they wait for
each other: 4,000 on two cores gave no answer within a minute."""

TOKENS_PER_CALL = 512
"""At most so many tokens go into one native call. That bounds the scratch memory (8 KB a token for
width 384, 30 KB for 768), and more tokens make no product faster."""


class Engine:
    """A model ready to run, for any thread: they take turns. `native` is all compiled code."""

    def __init__(
        self, checkpoint: Checkpoint, threads: int | None = None, precision: str = "float32"
    ) -> None:
        """Load the packed weights and the kernels, which are made once and then kept.

        Args:
            checkpoint: the model.
            threads: size of the thread team; all available cores where it is None.
            precision: of the matrices, a key of `operand_layout.OPERAND_LAYOUTS`.

        Raises:
            MinnerError: a tensor cannot be used, or the compiled code cannot be loaded.
        """
        self._checkpoint = checkpoint
        self._model, self.native = _load(checkpoint, precision)
        self._layouts = OPERAND_LAYOUTS[precision], OPERAND_LAYOUTS[attention_name(precision)]
        shape, workers = self._model.shape, available_cores() if threads is None else threads
        self._team = Team(self.native, shape, workers)
        self._buffers = CallBuffers(self._model, 0, 0, 0)
        self._recorded: list[StageTimings] | None = None

    @property
    def precision(self) -> str:
        """Of the matrices."""
        return self._model.precision

    @property
    def threads(self) -> int:
        """The size of the thread team."""
        return self._team.workers

    def logits(
        self, sequences: Sequence[Ids], rows: Sequence[Places] | None = None
    ) -> list[Floats]:
        """Run sequences of wordpiece ids, special tokens included.

        Args:
            sequences: int32 arrays `[T_i]`, each no longer than the model's positions, every id
                within the vocabulary.
            rows: int `[R_i]` for each sequence, ascending: the tokens whose logits are wanted;
                all if None. The last layer leaves the others out.

        Returns:
            float32 `[R_i, C]` for each sequence. Its bits do not depend on the rest of the batch,
            on which other rows are wanted, or on the number of threads.

        Raises:
            MinnerError: the model's numbers overflow over these ids; this thread is in the middle
                of another call of this model; or there is no memory (MinnerMemoryError).
        """
        with _enough_memory():
            batch = packed(sequences, rows)
        logits = self.packed_logits(batch)
        ends = accumulate(map(len, sequences if rows is None else rows), initial=0)
        return [logits[start:end] for start, end in pairwise(ends)]

    def packed_logits(self, batch: Sequences) -> Floats:
        """Run sequences that are packed already.

        Args:
            batch: of any number of tokens; the rest is as for `logits`.

        Returns:
            float32 `[R, C]`, with the bits that `logits` gives.

        Raises:
            MinnerError: as `logits`.
        """
        with _enough_memory():
            # All are cut before the first runs: Python is slow when weights have just passed
            # through the caches.
            runs = [*batch.runs(TOKENS_PER_CALL)]
            found = [self._run(some) for some in runs]
            return found[0] if len(found) == 1 else np.concatenate([self._no_logits(), *found])

    @property
    def classes(self) -> int:
        """How many classes the model tells apart, C."""
        return self._model.shape.classes

    def checked_ids(self, ids: Any) -> Ids:
        """The ids of a sequence, as `logits` takes them: int32 `[T]`.

        Raises:
            MinnerError: they are not integers in one dimension, one is outside the vocabulary, or
                there are more than the model has positions.
        """
        try:
            array = np.asarray(ids)
        except ValueError:  # lists of different lengths
            array = np.empty((0, 0))
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise MinnerError("each sequence of ids must be one row of whole numbers")
        positions = self._model.shape.positions
        if len(array) > positions:
            raise MinnerError(
                f"a sequence has {len(array)} ids, but the model has {positions} positions; "
                f"split it"
            )
        if array.dtype == np.int32:
            return array  # those outside the vocabulary are found where the model runs
        # Before they are int32, where 2**32 + 5 is 5.
        if array.size and not 0 <= array.min() <= array.max() < self._model.shape.vocabulary:
            raise MinnerError(f"ids must be from 0 to {self._model.shape.vocabulary - 1}")
        return array.astype(np.int32)

    @contextmanager
    def record(self) -> Iterator[list[StageTimings]]:
        """Note when the stages of each native call end, inside a `with`.

        Yields:
            A list that grows by one for each native call, whoever makes it; a call of `logits`
            makes several where it has more than TOKENS_PER_CALL tokens.
        """
        timings: list[StageTimings] = []
        self._recorded = timings
        try:
            yield timings
        finally:
            self._recorded = None

    def turn(self) -> Any:
        """A lock, for a `with`, inside which `stages` may be used.

        Raises:
            MinnerError: this thread is in the middle of a call already.
        """
        return self._team.turn()

    def stages(self, sequences: Sequence[Ids]) -> Stages:
        """Run a batch stage by stage, and look at the buffers in between; only inside `turn`.

        Args:
            sequences: as for `logits`, TOKENS_PER_CALL tokens at most.
        """
        from minner.stages import Stages  # here: a start does not need it

        call, buffers = self._prepare(packed(sequences))
        return Stages(self._team, call, self._model.shape, self._layouts, buffers)

    def _no_logits(self) -> Floats:
        return np.empty((0, self._model.shape.classes), dtype=np.float32)

    def _run(self, batch: Sequences) -> Floats:
        """One native call; none where no logits are wanted."""
        if not batch.row_count:
            return self._no_logits()
        with self._team.turn():
            call, buffers = self._prepare(batch)
            recorded, layers = self._recorded, self._model.shape.layers
            timings = None if recorded is None else StageTimings(layers, self._layouts[0].quantised)
            finite = self._team.run(call, timings)
            if recorded is not None and timings is not None:
                recorded.append(timings)
            logits = buffers.logits[: batch.row_count, : self._model.shape.classes].copy()
        if not finite:
            from minner.overflow import overflow_error

            raise overflow_error(self._checkpoint, batch.each(), self._model.precision)
        return logits

    def _prepare(self, batch: Sequences) -> tuple[Call, CallBuffers]:
        """Write a batch to where a native call finds it; only in our turn."""
        ids, bounds, rows = batch
        tokens, count, longest = len(ids), len(bounds) - 1, batch.longest
        if longest > self._model.shape.positions:
            raise MinnerError(
                f"the model has {self._model.shape.positions} positions, not {longest}"
            )
        buffers = self._buffers_for(max(tokens, count), longest)
        # A wider integer could wrap in int32: only `checked_ids` may narrow them.
        np.copyto(buffers.ids[:tokens], ids, casting="safe")
        buffers.bounds[: count + 1] = bounds
        row_count = ALL_ROWS
        if rows is not None:
            row_count = len(rows)
            buffers.rows[:row_count] = rows
        call = buffers.call._replace(
            row_count=row_count, tokens=tokens, sequences=count, longest=longest
        )
        return call, buffers

    def _buffers_for(self, tokens: int, longest: int) -> CallBuffers:
        """Buffers for so many tokens, which only grow. Call it inside `turn`."""
        if tokens > self._buffers.tokens or longest > self._buffers.longest:
            most = max(tokens, self._buffers.tokens), max(longest, self._buffers.longest)
            scratch = buffer_count(self._model.shape, *self._layouts, *most, self._team.workers)
            self._buffers = CallBuffers(self._model, *most, scratch)
        return self._buffers


def _load(checkpoint: Checkpoint, precision: str) -> tuple[PackedModel, Forward]:
    """Weights and kernels; what the system refuses is told as a MinnerError."""
    try:
        model = load_packed(checkpoint, precision)
        return model, load_forward(model.activation, precision)
    except OUT_OF_MEMORY as error:
        raise MinnerMemoryError(
            "the system has no memory for this model: give the process more (ulimit -v, the limit "
            "of a container), or load with precision='int8'"
        ) from error
    except OSError as error:
        if error.errno is None:  # raised by the handler of a signal, such as a TimeoutError
            raise
        raise MinnerError(f"{checkpoint.directory} cannot be loaded: {error}") from error


def check_settings(precision: Any, threads: Any) -> None:
    """Refuse what an `Engine` cannot be made with, before a model is read for it.

    Raises:
        MinnerError: there is no such precision or number of threads, or Python is a free-threaded
            one.
    """
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        raise MinnerError(
            "minner does not run in free-threaded Python without the global lock: set PYTHON_GIL=1"
        )
    if not isinstance(precision, str) or precision not in OPERAND_LAYOUTS:
        known = ", ".join(OPERAND_LAYOUTS)
        raise MinnerError(f"precision {precision!r} is not available; choose from: {known}")
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise MinnerError(f"threads must be a whole number of at least 1, not {threads!r}")
    if threads is not None and threads > MOST_THREADS:
        raise MinnerError(f"threads must be at most {MOST_THREADS}, not {threads}")


def warn_where_slow(precision: str) -> None:
    """Warn where the processor has no instructions made for a precision."""
    if not FAST[precision]:
        warn(
            f"this processor lacks the fast instructions of {precision}: the answers are right "
            f"all the same, but hardly sooner than in float32; use that unless memory is short"
        )


@contextmanager
def _enough_memory() -> Iterator[None]:
    """Tell in words that the system has no memory for what is done inside a `with`."""
    try:
        yield
    except OUT_OF_MEMORY as error:
        raise MinnerMemoryError(
            "the system has no memory for this call: give the process more, or fewer texts at once"
        ) from error
