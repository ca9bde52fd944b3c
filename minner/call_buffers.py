"""The memory of native calls: what goes in, what comes out, and the scratch in between."""

from __future__ import annotations

import numpy as np

from minner.kernels.runtime.call import Call
from minner.kernels.runtime.layout import padded
from minner.weights.packed_model import PackedModel, aligned_empty


class CallBuffers:
    """The arrays that native calls read and write, kept from call to call.

    Reading a model's weights evicts everything else from the caches, and Python is slow right after
    that: making these arrays anew took 1 % of a call with 16 tokens.
    """

    def __init__(self, model: PackedModel, tokens: int, longest: int, scratch: int) -> None:
        """Make buffers for `tokens`, or as many sequences, and for `scratch` dwords."""
        self.tokens, self.longest = tokens, longest
        self.ids, self.positions, self.rows = np.empty((3, tokens), dtype=np.int32)
        self.bounds = np.empty(tokens + 1, dtype=np.int32)
        self.logits = np.empty((tokens, padded(model.shape.classes)), dtype=np.float32)
        self.scratch = aligned_empty(scratch)
        self.call = Call(  # `Engine` fills in the counts
            word_embeddings=model.word_embeddings.ctypes.data,
            weights=model.memory.ctypes.data,
            scratch=self.scratch.ctypes.data,
            ids=self.ids.ctypes.data,
            positions=self.positions.ctypes.data,
            bounds=self.bounds.ctypes.data,
            rows=self.rows.ctypes.data,
            logits=self.logits.ctypes.data,
            row_count=0,
            tokens=0,
            sequences=0,
            longest=0,
        )
