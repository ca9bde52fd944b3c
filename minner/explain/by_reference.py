"""A traced run in plain NumPy: `reference.py`, with a record of every intermediate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minner import reference
from minner.explain.without import Without

Arrays = dict[str, NDArray[Any]]


def run_by_reference(
    ids: NDArray[np.int32],
    model: Mapping[str, Any],
    heads: int,
    activation: str,
    epsilon: float,
    without: Without = Without(),  # noqa: B008 - it cannot change
) -> Arrays:
    """Run one sequence of ids, and keep every intermediate under its name.

    Args:
        ids: int `[T]`, hidden words replaced already.
        model: nested parameters, from `reference.nested`.
        heads: H.
        activation: a key of `reference.ACTIVATIONS`.
        epsilon: of the norms.
        without: the parts to leave out.
    """
    seen: Arrays = {}
    changes = _changes(without)

    def record(name: str, array: NDArray[Any]) -> NDArray[Any]:
        change = changes.get(name)
        seen[name] = array if change is None else change(array, seen)
        return seen[name]

    reference.token_logits(ids, model, heads, activation, epsilon, record)
    return seen


def _changes(without: Without) -> dict[str, Any]:
    """Name of an intermediate -> what makes it another: a function of it and all before it."""

    def silence(number: int) -> Any:
        heads = sorted(head for layer, head in without.heads if layer == number)

        def change(weights: NDArray[Any], _: Arrays) -> NDArray[Any]:
            silenced = weights.copy()
            silenced[heads] = 0
            return silenced

        return change

    def input_of(number: int) -> Any:
        before = f"transformer.layer.{number - 1}.output_layer_norm" if number else "embeddings"
        return lambda _, seen: seen[before]

    def nothing(array: NDArray[Any], _: Arrays) -> NDArray[Any]:
        return np.zeros_like(array)

    layer = "transformer.layer"
    return {
        **{f"{layer}.{n}.attention.weights": silence(n) for n, _ in without.heads},
        **{f"{layer}.{n}.attention.out_lin": nothing for n in without.attentions},
        **{f"{layer}.{n}.ffn.lin2": nothing for n in without.feed_forwards},
        **{f"{layer}.{n}.output_layer_norm": input_of(n) for n in without.layers},
    }
