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
        exactly: whether every bit of the result counts.
    """

    function: str
    cases: list[tuple[Any, ...]]
    right: Callable[..., Any]
    mistakes: dict[str, Callable[..., Any]] = field(default_factory=dict)
    exactly: bool = False
