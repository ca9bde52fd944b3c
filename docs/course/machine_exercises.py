"""The exercises of part two, the machine."""

from __future__ import annotations

from typing import Any

import machine_answers as answers
import numpy as np
from exercise import Exercise


def _numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


WEIGHT = _numbers(7, 5)

MACHINE_EXERCISES = {
    "pack": Exercise(
        "pack",
        [(WEIGHT, 3), (_numbers(6, 4), 3), (_numbers(2, 3), 4)],
        answers.pack,
        {
            "That is [micropanels, columns, K]: within a micropanel, the numbers of one k stand "
            "side by side, [micropanels, K, columns].": lambda *case: answers.pack(
                *case, turned=False
            ),
            "The columns of a micropanel are neighbours: the first one has the columns 0, 1, 2 ... "
            "of the product.": lambda *case: answers.pack(*case, dealt=True),
            "The last micropanel is missing: fill it up with zeros.": lambda *case: answers.pack(
                *case, whole=False
            ),
        },
    ),
    "microtile_rows": Exercise(
        "microtile_rows",
        [(32, 2), (16, 2), (32, 1), (16, 4), (32, 4)],
        answers.microtile_rows,
        {
            "Leave registers for the weights, `vectors` of them, and one for x.": (
                lambda registers, vectors: registers // vectors
            ),
            "A number of x needs a register, too.": lambda registers, vectors: (
                (registers - vectors) // vectors
            ),
        },
    ),
    "int8_product": Exercise(
        "int8_product",
        [
            (_numbers(3, 8, seed=1), _numbers(4, 8, seed=2)),
            (_numbers(5, 40), 3 * WEIGHT[:, [0] * 40]),
        ],
        answers.int8_product,
        {
            "That is the product without rounding: round both to whole numbers first.": (
                lambda x, weight: x @ weight.T
            ),
            "Sums of int8 overflow: add up in np.int32.": lambda *case: answers.int8_product(
                *case, sums=np.int8
            ),
            "Each row has a scale of its own; yours has one for all.": lambda *case: (
                answers.int8_product(*case, axis=None)
            ),
            "The scales are those of rows of x and of rows of the weight: a result at [t, n] takes "
            "those of t and n.": lambda *case: answers.int8_product(*case, scaled=False),
            "Round to the nearest whole number (np.rint); a conversion to int8 cuts off.": (
                lambda *case: answers.int8_product(*case, rounded=np.trunc)
            ),
        },
    ),
}
"""The name of an exercise -> it."""
