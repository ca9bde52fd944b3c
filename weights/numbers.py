"""Weights in fewer bits: bfloat16, and int8 with a scale for each output."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

STEPS = 127
"""Steps of int8 to each side of 0; without -128, a weight and its negative stay equal."""

SMALLEST = 2.0**-120
"""Weights that are no larger count as 0: float32 could not say how many steps make 1."""


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Round finite float32 to the nearest bfloat16, ties to even; returns the upper 16 bits."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    even = (bits >> 16) & 1
    return ((bits + 0x7FFF + even) >> 16).astype(np.uint16)


def to_int8(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantise a weight `[N, K]` symmetrically, each output by its own scale.

    Returns:
        int8 `[N, K]` from -127 to 127, and float32 scales `[N]`: their product is the weight, to
        half a scale. An output whose weights are all 0, or as good as that, has steps of 0.
    """
    peaks = np.abs(weight).max(axis=1, initial=0.0)
    scales = (peaks / STEPS).astype(np.float32)
    per_step = np.divide(STEPS, peaks, out=np.zeros_like(peaks), where=peaks > SMALLEST)
    steps: NDArray[Any] = np.rint(weight * per_step[:, None])
    return steps.astype(np.int8), scales
