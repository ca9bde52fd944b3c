"""Every intermediate of the model for one sequence, from the plain NumPy reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minner import reference
from minner.weights.checkpoint import Checkpoint
from minner.weights.tokenizer import WordPieces

Array = NDArray[Any]


def trace(
    ids: NDArray[np.int32], vocabulary: WordPieces, checkpoint: Checkpoint
) -> dict[str, Array]:
    """Run the reference and keep all that it computes.

    Args:
        ids: int32 `[T]`, special tokens included.
        vocabulary: what the ids are of.
        checkpoint: the model.

    Returns:
        Arrays by name, in the order of computation: see `Tagger.trace`.
    """
    names = [vocabulary.tokenizer.id_to_token(int(index)) for index in ids]
    seen: dict[str, Array] = {"ids": ids, "pieces": np.array(names)}

    def record(name: str, array: NDArray[np.float32]) -> NDArray[np.float32]:
        seen[name] = array
        return array

    config, model = checkpoint.config, reference.nested(checkpoint.tensors)
    reference.token_logits(
        ids, model, config.n_heads, config.activation, config.layer_norm_eps, record
    )
    return seen
