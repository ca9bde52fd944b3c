"""A line on the terminal that says how far a long run is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")

INTERVAL = 0.1
"""Seconds between two drawings."""


def progress(items: Iterable[Item], unit: str, total: int | None = None) -> Iterator[Item]:
    """Pass items through, and show their number and rate on stderr while a person watches."""
    if not sys.stderr.isatty():
        yield from items
        return
    began = drawn = time.monotonic()
    count = 0
    try:
        for count, item in enumerate(items, start=1):
            yield item
            now = time.monotonic()
            if now - drawn >= INTERVAL:
                drawn = now
                of_total = f"/{total}" if total is not None else ""
                rate = count / (now - began)
                _draw(f"\r{count}{of_total} {unit}, {rate:.0f}/s\033[K")
    finally:
        _draw("\r\033[K")


def _draw(text: str) -> None:
    with suppress(OSError):  # the terminal is gone; the work goes on
        print(text, end="", file=sys.stderr, flush=True)
