"""An epoch's text as flat arrays of wordpieces, which `draw.py` writes and `train.py` reads.

A batch is gathered from the arrays where they lie, on the CPU or on a GPU, so that a step moves
nothing but the numbers of its sequences.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from data import FIRST, Sample
from torch import Tensor


@dataclass
class Batch:
    """Sequences padded to the longest: what `Sample` holds, shape (sequences, wordpieces).

    ``mask`` is 1 where a wordpiece is; ``soft`` holds the teachers' probabilities (sequences,
    wordpieces, labels), or is None.
    """

    ids: Tensor
    mask: Tensor
    allowed: Tensor
    sets: Tensor
    place: Tensor
    soft: Tensor | None

    @property
    def first(self) -> Tensor:
        """Whether a wordpiece is the first of its word."""
        return self.place == FIRST


class Text:
    """Sequences of wordpieces, one after the other in flat arrays."""

    NAMES = ("ids", "allowed", "sets", "place")

    def __init__(self, arrays: dict[str, np.ndarray], device: str = "cpu") -> None:
        """Put the arrays on a device; ``lengths`` holds the size of each sequence."""
        self.lengths = arrays["lengths"].astype(np.int64)
        self.starts = torch.from_numpy(np.cumsum(self.lengths) - self.lengths).to(device)
        self.sizes = torch.from_numpy(self.lengths).to(device)
        self.flat = {name: torch.from_numpy(arrays[name]).to(device) for name in self.NAMES}
        soft = arrays.get("soft")
        self.soft = None if soft is None else torch.from_numpy(soft).to(device)
        self.device = device

    @staticmethod
    def arrays(samples: list[Sample]) -> dict[str, np.ndarray]:
        """Lay samples out flat."""
        flat = {
            name: np.concatenate([getattr(sample, name) for sample in samples]).astype(kind)
            for name, kind in zip(Text.NAMES, (np.int32, np.int16, np.uint8, np.uint8), strict=True)
        }
        return {**flat, "lengths": np.array([len(sample.ids) for sample in samples], np.int32)}

    @classmethod
    def read(cls, path: Path, device: str = "cpu") -> Text:
        """Read what `draw.py` wrote, and what `label.py` added where it did."""
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files}
        if soft_path(path).is_file():
            arrays["soft"] = np.load(soft_path(path))
        return cls(arrays, device)

    def batches(self, cells: int, rng: random.Random | None = None) -> list[list[int]]:
        """Group sequences of similar length, at most ``cells`` padded wordpieces a batch.

        ``rng`` shuffles them; without it nothing is random.
        """
        order = range(len(self.lengths))
        vary = [rng.uniform(0.9, 1.1) if rng else 1.0 for _ in order]
        groups: list[list[int]] = [[]]
        longest = 0
        for row in sorted(order, key=lambda row: self.lengths[row] * vary[row]):
            longest = max(longest, self.lengths[row])
            if groups[-1] and longest * (len(groups[-1]) + 1) > cells:
                groups.append([])
                longest = self.lengths[row]
            groups[-1].append(row)
        if rng:
            rng.shuffle(groups)
        return groups

    def batch(self, rows: list[int]) -> Batch:
        """Gather the sequences of these numbers."""
        chosen = torch.tensor(rows, device=self.device)
        sizes = self.sizes[chosen].unsqueeze(1)
        steps = torch.arange(int(self.lengths[rows].max()), device=self.device)
        mask = steps < sizes
        places = self.starts[chosen].unsqueeze(1) + torch.minimum(steps, sizes - 1)
        parts = [self.flat[name][places].long() * mask for name in self.NAMES]
        soft = None if self.soft is None else self.soft[places].float()
        return Batch(parts[0], mask.long(), *parts[1:], soft)


def soft_path(path: Path) -> Path:
    """Tell where the teachers' probabilities for a text file are."""
    return path.with_suffix(".soft.npy")
