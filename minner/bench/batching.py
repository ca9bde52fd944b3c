"""Where a batch begins to pay: tokens a second over the sequences of a batch and their length.

A call of few tokens is bound by latency: it reads all weights for a few rows, so another sequence
costs less than the first one did. A call of many is bound by throughput: all cores multiply as fast
as they can, and twice the sequences take twice the time. Between the two lies the least batch that
reaches nearly the best rate of its length, which `throughput_bound_from` finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minner.bench.shapes import BatchShape

BATCHES = (1, 2, 4, 8, 16, 32)
LENGTHS = (8, 16, 32, 64, 128, 256)

ENOUGH = 0.9
"""Share of the best rate from which a batch counts as bound by throughput."""

Rates = dict[int, dict[int, float]]
"""Tokens a second, by tokens of a sequence and then by sequences, both least first."""


def grid(positions: int) -> tuple[BatchShape, ...]:
    """The shapes of the map, as far as the model has positions for them."""
    fitting = [tokens for tokens in LENGTHS if tokens <= positions] or [positions]
    return tuple(BatchShape(batch, tokens) for tokens in fitting for batch in BATCHES)


def rates(entries: Sequence[dict[str, Any]]) -> Rates:
    """Sort what `report.summary` has under `logits`, on the most threads."""
    most = max(entry["threads"] for entry in entries)
    found: Rates = {}
    for entry in sorted(entries, key=lambda entry: (entry["tokens"], entry["batch"])):
        if entry["threads"] == most:
            found.setdefault(entry["tokens"], {})[entry["batch"]] = entry["tokens_per_s"]
    return found


def throughput_bound_from(row: dict[int, float]) -> int:
    """The least batch of one length that has ENOUGH of the best rate."""
    least = ENOUGH * max(row.values())
    return min(batch for batch, rate in row.items() if rate >= least)


def map_rows(found: Rates) -> list[list[str]]:
    """The map as cells: a row for each length, with a header; thousands of tokens a second.

    An asterisk marks the batches that are bound by throughput.
    """
    batches = sorted({batch for row in found.values() for batch in row})
    rows = [["TOKENS", *(f"x{batch}" for batch in batches), "BOUND BY THROUGHPUT FROM"]]
    for tokens, row in found.items():
        first = throughput_bound_from(row)
        cells = [
            f"{row[batch] / 1e3:.1f}{'*' if batch >= first else ' '}" if batch in row else ""
            for batch in batches
        ]
        rows.append([str(tokens), *cells, f"{first} x {tokens} = {first * tokens} tokens"])
    return rows
