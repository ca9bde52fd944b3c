"""What the weight files hold: types, tensors that are used, odd ones, and values that tell."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from minner.inspection.findings import Findings
from minner.kernels.model import Shape, tensor_shapes
from minner.weights.architectures.architecture import TOKEN_TYPES
from minner.weights.checkpoint import Checkpoint, check_shape, needed_shapes
from minner.weights.config import Config
from minner.weights.tensors import StoredTensor

_LAYER = re.compile(r"\.[0-9]+(?=\.)")

_KNOWN = {
    TOKEN_TYPES,
    *(_LAYER.sub(".*", name) for name in tensor_shapes(Shape(1, 1, 1, 1, 1, 1, 1))),
}
"""Every name of a token classifier's tensors, with `*` for the layer."""


def describe_weights(
    stored: Mapping[str, StoredTensor],
    tensors: Mapping[str, StoredTensor],
    config: Config | None,
) -> dict[str, Any]:
    """Return what the files hold.

    Args:
        stored: the tensors under the names of the files.
        tensors: those that are not of other heads, under minner's names.
        config: of the model, where it is one that minner knows.

    Returns:
        `files` (bytes by name), `tensors` and `parameters` (numbers of), `dtypes` (numbers of
        tensors), `missing` (names that are needed), `other_heads` (stored names that are ignored)
        and `unknown` (names that no such model has).
    """
    used = {part.name for tensor in tensors.values() for part in tensor.parts}
    return {
        "files": {path.name: path.stat().st_size for path in {t.path for t in stored.values()}},
        "tensors": len(stored),
        "parameters": sum(math.prod(tensor.shape) for tensor in stored.values()),
        "dtypes": dict(Counter(tensor.dtype for tensor in stored.values())),
        "missing": sorted(needed_shapes(config, tensors).keys() - tensors.keys()) if config else [],
        "other_heads": sorted(stored.keys() - used),
        "unknown": sorted(name for name in tensors if _LAYER.sub(".*", name) not in _KNOWN),
    }


def check_tensors(config: Config, tensors: Mapping[str, StoredTensor], findings: Findings) -> None:
    """Find every tensor that cannot be used, where loading stops at the first."""
    for name, shape in needed_shapes(config, tensors).items():
        if name in tensors:
            findings.attempt(check_shape, tensors[name], shape)
            findings.attempt(tensors[name].to_float32)


def look_at_values(checkpoint: Checkpoint, findings: Findings) -> None:
    """Warn of weights that training leaves nowhere: all zeros."""
    zeros = [name for name, values in checkpoint.tensors.items() if not values.any()]
    if "classifier.bias" in zeros:
        findings.warn("classifier.bias is all zeros, as before training; was the model fine-tuned?")
    weights = [name for name in zeros if name.endswith(".weight")]
    if weights:
        findings.warn(f"all zeros: {', '.join(collapse(weights))}")


def collapse(names: Iterable[str]) -> list[str]:
    """Sort names and write those that differ in the layer only as one, `layer.*.x (6)`."""
    counts = Counter(_LAYER.sub(".*", name) for name in names)
    return [f"{name} ({n})" if n > 1 else name for name, n in sorted(counts.items())]
