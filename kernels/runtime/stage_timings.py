"""Where the time of a forward pass goes: a time stamp at every barrier.

Every kernel of `forward.py` is a stage and ends at a barrier, where the last thread to arrive notes
the time. A stage begins where the one before it ended. The first begins when the leader calls its
helpers, so it includes waking them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minner.kernels.model import stage_names


class StageTimings:
    """The time stamps of one pass.

    Attributes:
        stages: their names, in the order of the pass.
        stamps: int64 `[stages + 1, 2]`, seconds and nanoseconds of CLOCK_MONOTONIC: when the pass
            began, and when each stage ended.
    """

    def __init__(self, layers: int, quantised: bool = False) -> None:
        """Allocate time stamps for a pass through `layers` layers."""
        self.stages = stage_names(layers, quantised)
        self.stamps: NDArray[np.int64] = np.zeros((len(self.stages) + 1, 2), dtype=np.int64)

    def nanoseconds(self) -> NDArray[np.int64]:
        """The time stamps as one number each: int64 `[stages + 1]`."""
        total: NDArray[np.int64] = self.stamps @ np.array([1_000_000_000, 1])
        return total

    def seconds(self) -> dict[str, float]:
        """How long each stage took, summed over the layers."""
        total = dict.fromkeys(self.stages, 0.0)
        durations = np.diff(self.nanoseconds()).tolist()
        for stage, duration in zip(self.stages, durations, strict=True):
            total[stage] += duration / 1e9
        return total
