"""The tag lens: the tag head applied to every state on the way.

The last state gives what the model says; the others what it would say if it ended there. The idea
is the logit lens (nostalgebraist, 2020, "interpreting GPT: the logit lens").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minner.reference import linear, softmax


def state_names(layers: int) -> list[str]:
    """The names of a token's states in a trace, from the embeddings to the last layer."""
    norms = ("sa_layer_norm", "output_layer_norm")
    return ["embeddings", *(f"transformer.layer.{n}.{x}" for n in range(layers) for x in norms)]


def tag_lens(
    trace: Mapping[str, NDArray[Any]], classifier: Mapping[str, Any], layers: int
) -> NDArray[np.float32]:
    """The probabilities that the tag head gives to every state, float32 `[2 L + 1, T, C]`."""
    states = np.stack([trace[name] for name in state_names(layers)])
    return softmax(linear(states, **classifier)).astype(np.float32)
