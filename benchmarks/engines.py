"""The engines of the race: each loads the model and turns ids into logits.

Every engine takes the same NumPy ids and gives a NumPy array, as a program would use it, and is
set up as its makers advise for the latency of single calls. Imports stand inside the classes:
each process loads only the engine it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.model import Model
from benchmarks.worker import Worker

Ids = NDArray[np.int64]
Logits = NDArray[np.float32]


class Minner:
    """minner itself."""

    def __init__(self, checkpoint: Path, threads: int, precision: str) -> None:
        import minner

        self._tagger = minner.load(checkpoint, precision=precision, threads=threads)

    def run(self, ids: Ids) -> Logits:
        """Ids `[B, T]` -> logits `[B, T, C]`."""
        return np.stack(self._tagger.logits(list(ids)))


class OpenVino:
    """OpenVINO's CPU plugin in latency mode; its precision is that of what is not quantised."""

    def __init__(self, file: Path, threads: int, precision: str) -> None:
        import openvino

        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": precision,
        }
        compiled = openvino.Core().compile_model(file, "CPU", settings)
        self._request = compiled.create_infer_request()

    def run(self, ids: Ids) -> Logits:
        """Ids `[B, T]` -> logits `[B, T, C]`, in memory that the next call writes again."""
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        return self._request.infer(inputs, share_inputs=True, share_outputs=True)[0]


class OnnxRuntime:
    """ONNX Runtime on an ONNX file, with all of its own optimisations."""

    def __init__(self, file: Path, threads: int, _: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            file, options, providers=["CPUExecutionProvider"]
        )

    def run(self, ids: Ids) -> Logits:
        """Ids `[B, T]` -> logits `[B, T, C]`."""
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        return self._session.run(["logits"], inputs)[0]


class Torch:
    """torch, as transformers runs it; in int8 with torch's own dynamic quantisation."""

    def __init__(self, checkpoint: Path, threads: int, precision: str) -> None:
        import torch
        from transformers import DistilBertForTokenClassification

        torch.set_num_threads(threads)
        self._torch = torch
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        loaded = DistilBertForTokenClassification.from_pretrained(checkpoint, dtype=dtype)
        self._model = loaded.eval()
        if precision == "int8":
            self._model = torch.ao.quantization.quantize_dynamic(self._model, {torch.nn.Linear})

    def run(self, ids: Ids) -> Logits:
        """Ids `[B, T]` -> logits `[B, T, C]`."""
        with self._torch.inference_mode():
            logits = self._model(input_ids=self._torch.from_numpy(ids)).logits
        return logits.float().numpy()


class Entry(NamedTuple):
    """One line of the race's table.

    Attributes:
        name: of the engine.
        precision: of its products.
        make: its class.
        form: of the model that it reads: `checkpoint`, or a name in `model.EXPORTS`.
        setting: the precision as the class wants to be told it.
    """

    name: str
    precision: str
    make: Callable[[Path, int, str], Any]
    form: str
    setting: str

    def __str__(self) -> str:
        return f"{self.name} {self.precision}"

    def start(self, model: Model, threads: int) -> Worker:
        """Load the model in a process of its own."""
        return Worker(self.make, model.path(self.form), threads, self.setting)


ENTRIES = (
    Entry("minner", "float32", Minner, "checkpoint", "float32"),
    Entry("openvino", "float32", OpenVino, "onnx", "f32"),
    Entry("onnxruntime", "float32", OnnxRuntime, "onnx", ""),
    Entry("onnxruntime-fused", "float32", OnnxRuntime, "fused", ""),
    Entry("torch", "float32", Torch, "checkpoint", "float32"),
    Entry("minner", "bfloat16", Minner, "checkpoint", "bfloat16"),
    Entry("openvino", "bfloat16", OpenVino, "onnx", "bf16"),
    Entry("torch", "bfloat16", Torch, "checkpoint", "bfloat16"),
    Entry("minner", "int8", Minner, "checkpoint", "int8"),
    Entry("openvino", "int8", OpenVino, "nncf-int8", "f32"),
    Entry("openvino-bf16", "int8", OpenVino, "nncf-int8", "bf16"),
    Entry("onnxruntime", "int8", OnnxRuntime, "onnx-int8", ""),
    Entry("onnxruntime-fused", "int8", OnnxRuntime, "fused-int8", ""),
    Entry("torch", "int8", Torch, "checkpoint", "int8"),
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
