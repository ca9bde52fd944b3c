"""The engines of the race: each loads the model and turns ids into logits.

Every engine takes the same NumPy ids and gives a NumPy array, as a program would use it, and is
set up as its makers advise for the latency of single calls. Imports stand inside the classes:
each process loads only the engine it runs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.model import Model

Ids = NDArray[np.int64]
Logits = NDArray[np.float32]

OPENVINO_PRECISIONS = {"float32": "f32"}
"""Precision -> OpenVINO's name of it."""


class Minner:
    """minner itself."""

    def __init__(self, model: Model, threads: int, precision: str) -> None:
        import minner

        self._tagger = minner.load(model.checkpoint, precision=precision, threads=threads)

    def run(self, ids: Ids) -> Logits:
        """Ids `[B, T]` -> logits `[B, T, C]`."""
        return np.stack(self._tagger.logits(list(ids)))


class OpenVino:
    """OpenVINO's CPU plugin in latency mode."""

    def __init__(self, model: Model, threads: int, precision: str) -> None:
        import openvino

        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": OPENVINO_PRECISIONS[precision],
        }
        compiled = openvino.Core().compile_model(model.onnx, "CPU", settings)
        self._request = compiled.create_infer_request()

    def run(self, ids: Ids) -> Logits:
        """Ids `[B, T]` -> logits `[B, T, C]`, in memory that the next call writes again."""
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        return self._request.infer(inputs, share_inputs=True, share_outputs=True)[0]


class OnnxRuntime:
    """ONNX Runtime on the exported graph, with all of its own optimisations."""

    def __init__(self, model: Model, threads: int, precision: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            self._file(model, precision), options, providers=["CPUExecutionProvider"]
        )

    def _file(self, model: Model, precision: str) -> str:
        return str({"float32": model.onnx}[precision])

    def run(self, ids: Ids) -> Logits:
        """Ids `[B, T]` -> logits `[B, T, C]`."""
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        return self._session.run(["logits"], inputs)[0]


class OnnxRuntimeFused(OnnxRuntime):
    """ONNX Runtime on the graph that its transformers optimizer has rewritten."""

    def _file(self, model: Model, precision: str) -> str:
        return str({"float32": model.onnx_fused}[precision])


class Torch:
    """torch, as transformers runs it."""

    def __init__(self, model: Model, threads: int, precision: str) -> None:
        import torch
        from transformers import DistilBertForTokenClassification

        torch.set_num_threads(threads)
        self._torch = torch
        self._model = DistilBertForTokenClassification.from_pretrained(
            model.checkpoint, dtype=getattr(torch, precision)
        ).eval()

    def run(self, ids: Ids) -> Logits:
        """Ids `[B, T]` -> logits `[B, T, C]`."""
        with self._torch.inference_mode():
            logits = self._model(input_ids=self._torch.from_numpy(ids)).logits
        return logits.float().numpy()


class Entry(NamedTuple):
    """One line of the race's table."""

    name: str
    precision: str
    make: Any


ENTRIES = (
    Entry("minner", "float32", Minner),
    Entry("openvino", "float32", OpenVino),
    Entry("onnxruntime", "float32", OnnxRuntime),
    Entry("onnxruntime-fused", "float32", OnnxRuntimeFused),
    Entry("torch", "float32", Torch),
)
"""Another precision is another line here, and another key in the class that runs it."""

TOLERANCE = {"float32": 1e-3}
"""How far apart two engines' logits, which are of order one, may be: the largest difference."""
