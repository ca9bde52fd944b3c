"""Right answers to the exercises of part two, and those of usual mistakes.

An argument that is not the reader's asks for a mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import log
from typing import Any

import numpy as np

LN2 = (0.693359375, -2.1219444400546906e-4)
"""The two parts of ln 2; n times the first is exact."""


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


def packed_attention(
    q: Any, k: Any, v: Any, bounds: Any, apart: bool = True, scale: float = 1, axis: int = -1
) -> Any:
    """Attention of each text by itself."""
    context = np.zeros_like(v)
    ends = bounds if apart else [0, len(q)]
    for first, last in pairwise(ends):
        own = slice(first, last)
        scores = q[own] @ k[own].T * np.float32(scale)
        weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
        context[own] = weights / weights.sum(axis=axis, keepdims=True) @ v[own]
    return context


def exp(
    x: Any, coefficients: Any, parts: Any = LN2, reduced: bool = True, scaled: bool = True
) -> Any:
    """Cody and Waite's reduction, then Horner's rule, in float32."""
    n = np.rint(x * np.float32(1 / log(2))) if reduced else np.zeros_like(x)
    for part in parts:
        x = x - n * np.float32(part)
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total = total * x + np.float32(coefficient)
    return np.ldexp(total, n.astype(np.int32)) if scaled else total


def blocked_sum(products: Any, length: int, kind: Any = np.float32) -> Any:
    """Blocks one after the other, and in each block its products one after the other."""
    total = kind(0)
    for first in range(0, len(products), length):
        total = total + chain(products[first : first + length], kind)
    return np.float32(total)


def chain(values: Any, kind: Any = np.float32) -> Any:
    """All values one after the other."""
    total = kind(0)
    for value in values:
        total = total + kind(value)
    return total


def quantise(x: Any, axis: int | None = -1, most: int = 127, rounded: Any = np.rint) -> Any:
    """Whole numbers of each row, and its scale."""
    scale = np.broadcast_to(np.abs(x).max(axis=axis, keepdims=True) / np.float32(most), x.shape)
    whole = np.divide(x, scale, out=np.zeros_like(x), where=scale > 0)
    return rounded(whole).astype(np.int16).astype(np.int8), scale[:, 0].astype(np.float32)


def share(count: int, workers: int) -> list[tuple[int, int]]:
    """As `shared_items` in kernels/runtime/team.py does it."""
    firsts = [count * rank // workers for rank in range(workers + 1)]
    return [(first, end - first) for first, end in pairwise(firsts)]


def load(
    code: Any, gaps: Any, address: int, size: int = 8, order: str = "<", add: bool = True
) -> Any:
    """Add the address to the number of each gap."""
    code = code.copy()
    for gap in gaps:
        number = code[gap : gap + size].view(f"{order}u{size}")
        number[:] = number * add + address
    return code


def reachable(flops: float, size: float, peak: float, bandwidth: float) -> float:
    """The lower one of two limits."""
    return min(peak, flops / size * bandwidth)
