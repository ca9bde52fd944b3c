"""Runs packed batches of piece ids through the compiled forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minner.kernels.forms import FORMS, attention_name
from minner.kernels.laps import Laps
from minner.kernels.layout import Call, buffer_count, padded
from minner.kernels.native import load_forward
from minner.kernels.threads import Team, available_cores
from minner.weights.checkpoint import Checkpoint
from minner.weights.errors import MinnerError
from minner.weights.pack import aligned_empty
from minner.weights.packed import load_packed

Ids = NDArray[np.int32]
Floats = NDArray[np.float32]

TOKENS_PER_CALL = 512
"""Sequences are packed into one native call up to this many tokens: it bounds the scratch memory
(8 KB a token for width 384, 30 KB for 768), and more tokens make no product faster."""


class Engine:
    """A model ready to run. Safe to call from several threads, which take turns."""

    def __init__(
        self, checkpoint: Checkpoint, threads: int | None = None, precision: str = "float32"
    ) -> None:
        """Load the packed weights and the kernels, which are made once and then kept.

        Args:
            checkpoint: the model.
            threads: size of the thread team; all available cores where it is None.
            precision: of the matrices, a key of `forms.FORMS`.

        Raises:
            MinnerError: a tensor cannot be used, or the system forbids compiled code.
        """
        self._model = load_packed(checkpoint, precision)
        self._forms = FORMS[precision], FORMS[attention_name(precision)]
        try:
            forward = load_forward(self._model.activation, precision)
        except PermissionError as error:
            raise MinnerError(
                f"the system does not let minner run the code that it has compiled "
                f"({error.strerror}): allow it executable memory, as all JIT compilers need"
            ) from error
        self._team = Team(forward, available_cores() if threads is None else threads)
        self._positions = np.arange(self._model.shape.positions, dtype=np.int32)
        self._room = 0, 0  # most tokens, and the longest sequence, that the scratch is for
        self._scratch = aligned_empty(0)
        self._recorded: list[Laps] | None = None

    def logits(
        self, sequences: Sequence[Ids], rows: Sequence[NDArray[np.integer[Any]]] | None = None
    ) -> list[Floats]:
        """Run sequences of piece ids, special tokens included.

        Args:
            sequences: int32 arrays `[T_i]`, each no longer than the model's positions, every id
                within the vocabulary.
            rows: int `[R_i]` for each sequence, ascending: the pieces whose logits are wanted;
                all if None. The last layer leaves the others out.

        Returns:
            float32 `[R_i, C]` for each sequence: the same bits in whatever company it comes,
            whatever other rows are wanted, and on however many threads.
        """
        results: list[Floats] = []
        for first, last in _groups([len(ids) for ids in sequences]):
            group = sequences[first:last]
            bounds = [0, *accumulate(len(ids) for ids in group)]
            if rows is None:
                places, ends = np.arange(bounds[-1], dtype=np.int32), bounds
            else:
                some = rows[first:last]
                inside = [start + at for start, at in zip(bounds, some, strict=False)]
                places = np.concatenate(inside, dtype=np.int32)
                ends = [0, *accumulate(len(at) for at in some)]
            logits = self._run(group, bounds, places)
            results += [logits[start:end].copy() for start, end in pairwise(ends)]
        return results

    @contextmanager
    def record(self) -> Iterator[list[Laps]]:
        """Note when the stages of each native call end, inside a `with`.

        Yields:
            A list that grows by one for each native call, whoever makes it; a call of `logits`
            makes several where it has more than TOKENS_PER_CALL tokens.
        """
        laps: list[Laps] = []
        self._recorded = laps
        try:
            yield laps
        finally:
            self._recorded = None

    def _run(self, group: Sequence[Ids], bounds: list[int], rows: Ids) -> Floats:
        model, team, tokens = self._model, self._team, bounds[-1]
        logits = np.empty((len(rows), padded(model.shape.classes)), dtype=np.float32)
        if not len(rows):
            return logits[:, : model.shape.classes]
        ids = np.concatenate(group)
        positions = np.concatenate([self._positions[: len(one)] for one in group])
        starts, longest = np.array(bounds, dtype=np.int32), max(map(len, group))
        with team.turn():
            call = Call(
                words=model.words.ctypes.data,
                weights=model.memory.ctypes.data,
                scratch=self._scratch_for(tokens, longest),
                ids=ids.ctypes.data,
                positions=positions.ctypes.data,
                bounds=starts.ctypes.data,
                rows=rows.ctypes.data,
                logits=logits.ctypes.data,
                kept=len(rows),
                tokens=tokens,
                sequences=len(group),
                longest=longest,
            )
            recorded = self._recorded
            laps = None if recorded is None else Laps(model.shape.layers, self._forms[0].quantised)
            team.run(call, model.shape, laps)
            if recorded is not None and laps is not None:
                recorded.append(laps)
        return logits[:, : model.shape.classes]

    def _scratch_for(self, tokens: int, longest: int) -> int:
        """The address of memory for so many tokens, which grows and is kept; only in our turn."""
        if tokens > self._room[0] or longest > self._room[1]:
            room = max(tokens, self._room[0]), max(longest, self._room[1])
            count = buffer_count(self._model.shape, *self._forms, *room, self._team.workers)
            self._scratch = aligned_empty(count)  # before the room, which must be there
            self._room = room
        return self._scratch.ctypes.data


def _groups(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut sequences, in order, into runs of at most TOKENS_PER_CALL tokens: first, and last + 1."""
    first = tokens = 0
    for number, length in enumerate(lengths):
        if number > first and tokens + length > TOKENS_PER_CALL:
            yield first, number
            first, tokens = number, 0
        tokens += length
    if lengths:
        yield first, len(lengths)
