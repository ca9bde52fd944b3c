"""What the forward pass reads of a model: `pack.py` makes it, `packed.py` keeps it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.kernels.model import Shape
from minner.kernels.runtime.buffers import PAGE

Floats = NDArray[np.float32]
Dwords = NDArray[np.float32]  # a dword may hold something else than a float32


class PackedModel(NamedTuple):
    """What the forward pass needs of a model.

    Attributes:
        shape: its sizes.
        activation: its activation function, by the name that `Config` gives it.
        precision: of its matrices.
        word_embeddings: float32 `[V, D]`, D padded; the checkpoint's own memory where no padding is
            needed.
        memory: every other weight, divided by `minner.kernels.runtime.layout.weight_views`.
    """

    shape: Shape
    activation: str
    precision: str
    word_embeddings: Floats
    memory: Dwords


def aligned_empty(count: int) -> Floats:
    """An uninitialised float32 `[count]` that starts on a page."""
    raw = np.empty(count * 4 + 4 * PAGE, dtype=np.uint8)
    start = -raw.ctypes.data % (4 * PAGE)
    return raw[start : start + count * 4].view(np.float32)
