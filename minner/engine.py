"""Runs packed batches of piece ids through the compiled forward pass."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from minner.kernels.layout import buffer_count, padded
from minner.kernels.native import load_forward
from minner.weights.checkpoint import Checkpoint
from minner.weights.pack import aligned_empty, pack

Ids = NDArray[np.int32]
Floats = NDArray[np.float32]

TOKENS_PER_CALL = 512
"""Sequences are packed into one native call up to this many tokens: it bounds the scratch memory
(8 KB a token for width 384, 30 KB for 768), and more tokens make no product faster."""


class Engine:
    """A model ready to run. Safe to call from several threads: each has its own scratch."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Pack the weights, and load (or once: compile) the kernels."""
        self._model = pack(checkpoint)
        self._sizes = np.array(self._model.shape, dtype=np.int64)
        self._forward = load_forward(checkpoint.config.activation)
        self._local = threading.local()

    def logits(self, sequences: Sequence[Ids]) -> list[Floats]:
        """Run sequences of piece ids, special tokens included.

        Args:
            sequences: int32 arrays `[T_i]`, each no longer than the model's positions, every id
                within the vocabulary.

        Returns:
            float32 `[T_i, C]` for each sequence: the same bits in whatever company it comes.
        """
        results: list[Floats] = []
        for group in _groups(sequences):
            bounds = np.cumsum([0, *map(len, group)], dtype=np.int32)
            logits = self._run(np.concatenate(group), bounds)
            results += [logits[a:b].copy() for a, b in pairwise(bounds)]
        return results

    def _run(self, ids: Ids, bounds: Ids) -> Floats:
        model, tokens, longest = self._model, len(ids), int(np.diff(bounds).max())
        logits = np.empty((tokens, padded(model.shape.classes)), dtype=np.float32)
        scratch = self._scratch(buffer_count(model.shape, tokens, longest))
        self._forward(
            self._sizes.ctypes.data,
            model.words.ctypes.data,
            model.memory.ctypes.data,
            scratch.ctypes.data,
            ids.ctypes.data,
            bounds.ctypes.data,
            tokens,
            len(bounds) - 1,
            longest,
            logits.ctypes.data,
        )
        return logits[:, : model.shape.classes]

    def _scratch(self, count: int) -> Floats:
        """This thread's scratch, grown to `count` elements where it is smaller."""
        scratch: Floats | None = getattr(self._local, "scratch", None)
        if scratch is None or len(scratch) < count:
            scratch = self._local.scratch = aligned_empty(count)
        return scratch


def _groups(sequences: Sequence[Ids]) -> list[list[Ids]]:
    """Cut a list of sequences, in order, into runs of at most TOKENS_PER_CALL tokens."""
    groups: list[list[Ids]] = []
    room = 0
    for sequence in sequences:
        if not groups or len(sequence) > room:
            groups.append([])
            room = TOKENS_PER_CALL
        groups[-1].append(sequence)
        room -= len(sequence)
    return groups
