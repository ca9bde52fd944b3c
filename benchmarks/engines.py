"""The table of engines: who may race, on which form of the model, and how exact each must be."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from benchmarks.model import Model
from benchmarks.runtimes import (
    CTranslate2,
    Logits,
    Minner,
    OnnxRuntime,
    OpenVino,
    Torch,
    Tract,
    Zentorch,
)
from benchmarks.worker import Worker


class Entry(NamedTuple):
    """One line of the race's table.

    Attributes:
        name: of the engine.
        precision: of its products.
        make: its class, which tells in `package` what must be installed for it.
        form: of the model that it reads: `checkpoint`, or a name in `model.EXPORTS`.
        setting: the precision as the class wants to be told it.
    """

    name: str
    precision: str
    make: Any
    form: str
    setting: str

    def __str__(self) -> str:
        return f"{self.name} {self.precision}"

    def missing(self) -> str | None:
        """Say what must be installed for it, or nothing where it is."""
        package = self.make.package
        return None if find_spec(package) else f"the package {package} is not installed"

    def start(self, model: Model, threads: int) -> Worker:
        """Load the model in a process of its own."""
        return Worker(self.make, model.path(self.form), threads, self.setting)


ENTRIES = (
    Entry("minner", "float32", Minner, "checkpoint", "float32"),
    Entry("openvino", "float32", OpenVino, "onnx", "f32"),
    Entry("onnxruntime", "float32", OnnxRuntime, "onnx", ""),
    Entry("onnxruntime-fused", "float32", OnnxRuntime, "fused", ""),
    Entry("torch", "float32", Torch, "checkpoint", "float32"),
    Entry("zentorch", "float32", Zentorch, "checkpoint", "float32"),
    Entry("ctranslate2", "float32", CTranslate2, "ctranslate2", "float32"),
    Entry("tract", "float32", Tract, "onnx", ""),
    Entry("minner", "bfloat16", Minner, "checkpoint", "bfloat16"),
    Entry("openvino", "bfloat16", OpenVino, "onnx", "bf16"),
    Entry("torch", "bfloat16", Torch, "checkpoint", "bfloat16"),
    Entry("zentorch", "bfloat16", Zentorch, "checkpoint", "bfloat16"),
    Entry("ctranslate2", "bfloat16", CTranslate2, "ctranslate2", "bfloat16"),
    Entry("minner", "int8", Minner, "checkpoint", "int8"),
    Entry("openvino", "int8", OpenVino, "nncf-int8", "f32"),
    Entry("openvino-bf16", "int8", OpenVino, "nncf-int8", "bf16"),
    Entry("onnxruntime", "int8", OnnxRuntime, "onnx-int8", ""),
    Entry("onnxruntime-fused", "int8", OnnxRuntime, "fused-int8", ""),
    Entry("torch", "int8", Torch, "checkpoint", "int8"),
    Entry("ctranslate2", "int8", CTranslate2, "ctranslate2", "int8"),
)
"""All who may race. Another precision or another engine is another line."""


def find_entry(name: str, precision: str) -> Entry:
    """Find a line of the table."""
    return next(entry for entry in ENTRIES if entry[:2] == (name, precision))


REFERENCE = find_entry("torch", "float32")
"""Whose logits are right."""


class Difference(NamedTuple):
    """How far logits are from the reference's, in units of the standard deviation of those."""

    largest: float
    mean: float


def difference(logits: Sequence[Logits], reference: Sequence[Logits]) -> Difference:
    """Compare the logits of some batches with the reference's."""
    right = np.concatenate([one.ravel() for one in reference])
    away = abs(np.concatenate([one.ravel() for one in logits]) - right) / right.std()
    return Difference(float(away.max()), float(away.mean()))


TOLERANCES = {
    "float32": Difference(2e-3, 2e-4),
    "bfloat16": Difference(0.15, 0.03),
    "int8": Difference(0.6, 0.12),
}
"""How far from the reference an engine may be. Unrelated logits would be 1.1 away on average; over
the five shapes the peers were less than 1e-5 away in float32, at most 0.06 and on average 0.014 in
bfloat16, and 0.27 and 0.06 in int8 (OpenVINO without AVX-512: 0.35 and 0.09); minner 0.03 and 0.007
in bfloat16, 0.15 and 0.035 in int8."""
