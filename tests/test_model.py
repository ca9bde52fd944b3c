"""The one description of the model, against what is written out by hand: the reference above all.

That a forward pass passes one barrier for each stage is held by test_stage_timings.py.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from checkpoints import random_tensors, write_checkpoint
from minner import reference
from minner.kernels.model import (
    Kind,
    Shape,
    attention_flops,
    measured_by,
    modules,
    product_flops,
    stage_names,
    tensor_shapes,
)
from minner.kernels.runtime.layout import (
    PACKED,
    Linear,
    Norm,
    Weights,
    weight_count,
    weight_views,
)
from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS
from minner.weights.checkpoint import read_checkpoint
from minner.weights.pack import pack_memory

SHAPE = Shape(vocabulary=40, positions=12, layers=3, heads=3, dim=30, hidden_dim=37, classes=5)


def tensors_of(shape: Shape) -> dict[str, NDArray[np.float32]]:
    """Random tensors of a shape, under this project's names."""
    sizes = (shape.vocabulary, shape.positions, shape.dim, shape.hidden_dim)
    tensors = random_tensors(0, (*sizes, shape.layers, shape.classes))
    return {name.removeprefix("distilbert."): values for name, values in tensors.items()}


def test_the_reference_reads_the_tensors_that_are_described() -> None:
    tensors = tensors_of(SHAPE)
    assert {name: values.shape for name, values in tensors.items()} == tensor_shapes(SHAPE)
    for name, values in tensors.items():
        spoilt = reference.nested({**tensors, name: np.full_like(values, np.nan)})
        assert np.isnan(reference.token_logits(np.arange(7), spoilt, SHAPE.heads)).all(), name


def test_the_reference_names_what_is_described() -> None:
    recorded: list[str] = []

    def record(name: str, array: reference.Floats) -> reference.Floats:
        recorded.append(name)
        return array

    reference.token_logits(
        np.arange(7), reference.nested(tensors_of(SHAPE)), SHAPE.heads, record=record
    )
    own = {"embeddings", *(name for name in recorded if name.endswith((".weights", ".activation")))}
    described = [name for name, step in modules(SHAPE.layers) if not name.startswith("embeddings.")]
    assert [name for name in recorded if name not in own] == described


def test_the_reference_does_as_many_operations_as_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = 0
    linear = reference.linear

    def counting(x: Any, weight: Any, bias: Any) -> Any:
        nonlocal counted
        counted += 2 * len(x) * weight.size
        return linear(x, weight, bias)

    monkeypatch.setattr(reference, "linear", counting)
    reference.token_logits(np.arange(7), reference.nested(tensors_of(SHAPE)), SHAPE.heads)
    assert counted == 7 * product_flops(SHAPE)
    # Scores and context: for each layer two products of [T, D] with T keys or values.
    assert 7 * attention_flops(SHAPE, 7) == SHAPE.layers * 2 * (2 * 7 * 7 * SHAPE.dim)


@pytest.mark.parametrize("precision", OPERAND_LAYOUTS)
def test_the_views_are_those_of_the_steps(precision: str) -> None:
    assert Weights._fields == tuple(step.name for step, _ in PACKED)
    memory = np.empty(weight_count(SHAPE, OPERAND_LAYOUTS[precision]), dtype=np.float32)
    views, end = weight_views(memory, SHAPE, OPERAND_LAYOUTS[precision])
    sizes = 0
    for (step, in_layer), view in zip(PACKED, views, strict=True):
        kinds = {Kind.NORM: Norm, Kind.LINEAR: Linear, Kind.TABLE: np.ndarray}
        assert isinstance(view, kinds[step.kind])
        if step.kind is not Kind.TABLE:
            assert len(view.weight) == (SHAPE.layers if in_layer else 1)
        sizes += sum(array.size for array in (view if isinstance(view, tuple) else (view,)))
    assert sizes == end == memory.size


def test_sizes_are_measured_where_they_were() -> None:
    assert {letter: measured_by(letter) for letter in "VPDFC"} == {
        "V": ("embeddings.word_embeddings.weight", 0),
        "P": ("embeddings.position_embeddings.weight", 0),
        "D": ("embeddings.word_embeddings.weight", 1),
        "F": ("transformer.layer.0.ffn.lin1.weight", 0),
        "C": ("classifier.weight", 0),
    }


def test_products_that_read_no_norm_are_quantised_before() -> None:
    layer = ("qkv", "attention", "attention", "quantise", "out_lin", "norms")
    feed_forward = ("lin1", "quantise", "lin2", "norms")
    assert stage_names(1, quantised=True) == ("embed", *layer, *feed_forward, "classifier")


def test_the_epsilon_of_a_model_reaches_its_norms(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(write_checkpoint(tmp_path / "model"))
    with_another = replace(checkpoint, config=checkpoint.config._replace(layer_norm_eps=1e-5))
    for one, epsilon in ((checkpoint, 1e-12), (with_another, 1e-5)):
        memory = pack_memory(one, OPERAND_LAYOUTS["float32"])
        views, _ = weight_views(memory, one.config.shape, OPERAND_LAYOUTS["float32"])
        for norm in (views.embeddings_norm, views.sa_layer_norm, views.output_layer_norm):
            assert (norm.epsilon == np.float32(epsilon)).all()
