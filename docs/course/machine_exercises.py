"""The exercises of part two, the machine."""

from __future__ import annotations

from typing import Any

import machine_answers as answers
import numpy as np
from exercise import Exercise

from minner.kernels.elementary import EXP


def _numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


WEIGHT = _numbers(7, 5)
ARGUMENTS = np.linspace(-87, 88, 1001, dtype=np.float32)
CODE = np.random.default_rng(4).integers(0, 100, 64, dtype=np.uint8)

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
    "packed_attention": Exercise(
        "packed_attention",
        [
            (*(_numbers(9, 4, seed=seed) for seed in (1, 2, 3)), np.array([0, 3, 9])),
            (*(_numbers(9, 4, seed=seed) for seed in (4, 5, 6)), np.array([0, 1, 5, 9])),
            (*(50 * _numbers(7, 4, seed=seed) for seed in (7, 8, 9)), np.array([0, 7])),
        ],
        answers.packed_attention,
        {
            "A token looks at those of other texts: take the rows from bounds[s] to bounds[s + 1] "
            "by themselves.": lambda *case: answers.packed_attention(*case, apart=False),
            "The scores are scaled already; do not divide by the root of d.": lambda *case: (
                answers.packed_attention(*case, scale=0.5)
            ),
            "Softmax must make each row sum to 1: each token shares out its own look (axis=-1).": (
                lambda *case: answers.packed_attention(*case, axis=0)
            ),
        },
    ),
    "exp": Exercise(
        "exp",
        [(np.linspace(-0.34, 0.34, 7, dtype=np.float32), EXP), (ARGUMENTS, EXP)],
        lambda x, _: np.exp(x.astype(float)),
        {
            "The first of the coefficients belongs to the highest power.": (
                lambda x, coefficients: answers.exp(x, coefficients[::-1])
            ),
            "The polynomial holds for |r| <= ln(2) / 2 only: take n ln 2 off first.": (
                lambda *case: answers.exp(*case, reduced=False)
            ),
            "That is the second factor; multiply it by 2 to the n.": lambda *case: answers.exp(
                *case, scaled=False
            ),
            "n times ln 2 is rounded, and the error is as large as some of r: take ln 2 off in two "
            "parts.": lambda *case: answers.exp(*case, parts=(np.log(2),)),
        },
        tolerance=4 * 2.0**-23,
        relative=True,
    ),
    "blocked_sum": Exercise(
        "blocked_sum",
        [(_numbers(1000, seed=4), 128), (_numbers(257, seed=5), 64), (_numbers(3), 8)],
        answers.blocked_sum,
        {
            "That is one chain: cut it into blocks.": lambda products, _: answers.chain(products),
            "NumPy's sum has an order of its own: add one after the other.": (
                lambda products, _: products.sum()
            ),
            "Within a block, too, add one after the other: NumPy's sum has an order of its own.": (
                lambda products, length: answers.chain(
                    [products[at : at + length].sum() for at in range(0, len(products), length)]
                )
            ),
            "Add in float32; a float64 rounds elsewhere.": lambda *case: answers.blocked_sum(
                *case, kind=np.float64
            ),
        },
    ),
    "quantise": Exercise(
        "quantise",
        [(_numbers(5, 40, seed=2),), (np.vstack([_numbers(2, 8), np.zeros((1, 8), np.float32)]),)],
        answers.quantise,
        {
            "Each row has a scale of its own; yours has one for all.": lambda x: answers.quantise(
                x, axis=None
            ),
            "Round to the nearest whole number (np.rint); a conversion to int8 cuts off.": (
                lambda x: answers.quantise(x, rounded=np.trunc)
            ),
            "The largest number becomes 127: an int8 has no 128.": lambda x: answers.quantise(
                x, most=128
            ),
        },
    ),
    "share": Exercise(
        "share",
        [(11, 3), (8, 2), (2, 3), (0, 2)],
        answers.share,
        {
            "Some items are lost: what is left after the division must be shared as well.": (
                lambda count, workers: [
                    (count // workers * rank, count // workers) for rank in range(workers)
                ]
            ),
            "That is the first item and the one after the last; give the first and how many.": (
                lambda count, workers: [
                    (first, first + size) for first, size in answers.share(count, workers)
                ]
            ),
        },
    ),
    "load": Exercise(
        "load",
        [(CODE, [0, 11, 40], 70_000), (CODE, [3], 2**40 + 255), (CODE, [], 5)],
        answers.load,
        {
            "A gap has 8 bytes, and the sum may need them all.": lambda *case: answers.load(
                *case[:2], case[2] % 2**32, size=4
            ),
            "The lowest byte comes first ('<u8').": lambda *case: answers.load(*case, order=">"),
            "Add the address to the number that is there; it says where in the code.": (
                lambda *case: answers.load(*case, add=False)
            ),
        },
        tolerance=0.0,
    ),
    "reachable": Exercise(
        "reachable",
        [(4e9, 1e9, 256e9, 32e9), (64e9, 1e9, 256e9, 32e9)],
        answers.reachable,
        {
            "The core can wait for memory and for itself: take the lower of the two limits.": (
                lambda flops, size, peak, bandwidth: peak
            ),
            "Even at the memory's full speed the core does no more than its peak.": (
                lambda flops, size, peak, bandwidth: flops / size * bandwidth
            ),
            "The two limits hold at once; the times do not add up.": (
                lambda flops, size, peak, bandwidth: flops / (flops / peak + size / bandwidth)
            ),
        },
    ),
}
"""The name of an exercise -> it."""
