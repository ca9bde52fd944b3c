"""Logits that are not finite, though all weights are: which part of the model is to blame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minner import reference
from minner.errors import MinnerError
from minner.weights.checkpoint import Checkpoint

Floats = NDArray[np.float32]


class _NotFiniteError(Exception):
    """Ends a run of the reference at the first array that is not finite."""


def overflow_error(
    checkpoint: Checkpoint, sequences: Iterable[NDArray[np.integer[Any]]], precision: str
) -> MinnerError:
    """Return the error for sequences of which some logit is infinite or no number.

    The reference runs them again, until an array is not finite: it takes a second or more, where
    nothing else is left to do.

    Args:
        checkpoint: of the model.
        sequences: int `[T_i]`, wordpiece ids with special tokens.
        precision: that the model ran in.
    """
    for ids in sequences:
        part = _first_overflow(checkpoint, ids)
        if part is not None:
            return MinnerError(
                f"{checkpoint.directory}: over this text the numbers of the model become too large "
                f"for float32, first in {part}; its weights are broken, or were trained in another "
                f"way"
            )
    return MinnerError(
        f"{checkpoint.directory}: over this text the numbers of the model become too large for "
        f"{precision}; load it in another precision"
    )


def _first_overflow(checkpoint: Checkpoint, ids: NDArray[np.integer[Any]]) -> str | None:
    """The name of the first array of the reference that is not finite."""

    def record(name: str, array: Floats) -> Floats:
        if not np.isfinite(array).all():
            raise _NotFiniteError(name)
        return array

    config, model = checkpoint.config, reference.nested(checkpoint.tensors)
    try:
        with np.errstate(all="ignore"):
            reference.token_logits(
                ids, model, config.n_heads, config.activation, config.layer_norm_eps, record
            )
    except _NotFiniteError as found:
        return str(found)
    return None
