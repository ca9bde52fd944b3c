"""The oracle of the ladder: the product in float64, and how far from it a step may be."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def complaint(step: ModuleType, x: Floats, weight: Floats) -> str | None:
    """Run a step on x `[T, K]` and a weight `[N, K]`; says what is wrong with its result."""
    out = step.product(*step.prepare(x, weight))[: len(x), : len(weight)]
    if out.dtype != np.float32 or out.shape != (len(x), len(weight)):
        return f"the result is {out.dtype} {list(out.shape)}"
    wrong = np.abs(out - x.astype(float) @ weight.T) > allowed(step, x, weight)
    return f"{wrong.sum()} of {wrong.size} results are wrong" if wrong.any() else None


def allowed(step: ModuleType, x: Floats, weight: Floats) -> NDArray[np.float64]:
    """The largest error of each result, `[T, N]`: of the sum, and of what the step rounds first."""
    size = np.abs(x).astype(float) @ np.abs(weight.T)
    of_sum = (x.shape[1] + 4) * 2.0**-24 * size + 1e-30
    match getattr(step, "ROUNDING", "float32"):
        case "bfloat16":  # 8 significant bits: each factor is off by a part of 2^-9 at most
            return of_sum + (2.0**-8 + 2.0**-18) * (size + of_sum)
        case "int8":  # each factor is off by half a unit at most, and a unit is its row's scale
            return of_sum + _of_int8(x.astype(float), weight.astype(float))
        case _:
            return of_sum


def _of_int8(x: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    half_x, half_weight = (np.abs(rows).max(axis=1) / 254 * (1 + 1e-6) for rows in (x, weight))
    return (
        np.outer(np.abs(x).sum(axis=1), half_weight)
        + np.outer(half_x, np.abs(weight).sum(axis=1))
        + x.shape[1] * np.outer(half_x, half_weight)
    )
