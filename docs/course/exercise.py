"""What an exercise is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Exercise:
    """One function for the reader to write.

    Attributes:
        function: its name in the reader's file.
        cases: the arguments of each call.
        right: a function that is right.
        mistakes: what to say -> a function that makes this mistake.
        tolerance: how far a number of an array may be off. Sums of float32 in another order differ
            by less than the usual 1e-4, mistakes by more.
        relative: whether that is a share of the number.
    """

    function: str
    cases: list[tuple[Any, ...]]
    right: Callable[..., Any]
    mistakes: dict[str, Callable[..., Any]] = field(default_factory=dict)
    tolerance: float = 1e-4
    relative: bool = False
