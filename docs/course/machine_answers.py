"""Right answers to the exercises of part two, and those of usual mistakes.

An argument that is not the reader's asks for a mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def pack(
    weight: Any, columns: int, turned: bool = True, dealt: bool = False, whole: bool = True
) -> Any:
    """Micropanels `[N / columns, K, columns]`."""
    width, depth = weight.shape
    count = -(-width // columns) if whole else width // columns
    padded = np.zeros((max(count * columns, width), depth), dtype=np.float32)
    padded[:width] = weight
    padded = padded[: count * columns]
    if dealt:
        return padded.reshape(columns, count, depth).transpose(1, 2, 0)
    panels = padded.reshape(count, columns, depth)
    return panels.swapaxes(1, 2) if turned else panels


def microtile_rows(registers: int, vectors: int) -> int:
    """Rows whose sums leave registers for weights and x."""
    return (registers - vectors - 1) // vectors


def whole_numbers(
    x: Any, axis: int | None = -1, rounded: Callable[[Any], Any] = np.rint
) -> tuple[Any, Any]:
    """Rows as int8, and the scale of each, `[rows, 1]`."""
    scale = np.abs(x).max(axis=axis, keepdims=True) / np.float32(127)
    return rounded(x / scale).astype(np.int8), np.broadcast_to(scale, (len(x), 1))


def int8_product(
    x: Any,
    weight: Any,
    sums: Any = np.int32,
    axis: int | None = -1,
    scaled: bool = True,
    rounded: Callable[[Any], Any] = np.rint,
) -> Any:
    """Sums of whole numbers, times the scales of x and of the weight."""
    (x, x_scale), (weight, scale) = (whole_numbers(one, axis, rounded) for one in (x, weight))
    exact = x.astype(sums) @ weight.astype(sums).T
    return (exact * (x_scale * scale.T if scaled else x_scale)).astype(np.float32)
