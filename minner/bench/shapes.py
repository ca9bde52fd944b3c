"""What is measured: so many sequences of so many tokens, written `8x128`."""

from __future__ import annotations

from typing import NamedTuple


class BatchShape(NamedTuple):
    """Sequences, and tokens in each, special tokens included."""

    batch: int
    tokens: int

    def __str__(self) -> str:
        return f"{self.batch}x{self.tokens}"


SHAPES = tuple(BatchShape(*s) for s in ((1, 16), (1, 64), (1, 128), (1, 384), (8, 128)))
"""From a short sentence to a document, and a batch."""


def parse_shapes(text: str) -> tuple[BatchShape, ...]:
    """Read `1x16,8x128`.

    Raises:
        ValueError: it is not written so.
    """
    shapes = []
    for part in text.split(","):
        batch, tokens = (parse_count(number) for number in part.split("x"))
        shapes.append(BatchShape(batch, tokens))
    return tuple(dict.fromkeys(shapes))


def parse_counts(text: str) -> tuple[int, ...]:
    """Read `1,2,4` in any order.

    Raises:
        ValueError: these are not whole numbers of at least 1.
    """
    return tuple(sorted({parse_count(part) for part in text.split(",")}))


def parse_count(text: str) -> int:
    """Read a whole number of at least 1.

    Raises:
        ValueError: it is something else.
    """
    number = int(text)
    if number < 1:
        raise ValueError(f"{number} is less than 1")
    return number
