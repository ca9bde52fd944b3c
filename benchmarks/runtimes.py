"""The engines of the race: each loads the model and turns ids into logits.

Every engine takes the same NumPy ids and gives a NumPy array, as a program would use it, and is
set up as its makers advise for the latency of single calls. Imports stand inside the classes:
each process loads only the engine it runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Logits = NDArray[np.float32]


class Minner:
    """minner itself."""

    package = "minner"

    def __init__(self, checkpoint: Path, threads: int, precision: str) -> None:
        import minner

        self._tagger = minner.load(checkpoint, precision=precision, threads=threads)

    def run(self, ids: Ids) -> Logits:
        """Ids `[B, T]` -> logits `[B, T, C]`."""
        return np.stack(self._tagger.logits(list(ids)))


class OpenVino:
    """OpenVINO's CPU plugin in latency mode; its precision is that of what is not quantised."""

    package = "openvino"

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

    package = "onnxruntime"

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

    package = "transformers"

    def __init__(self, checkpoint: Path, threads: int, precision: str) -> None:
        import torch
        from transformers import AutoModelForTokenClassification

        torch.set_num_threads(threads)
        self._torch = torch
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        loaded = AutoModelForTokenClassification.from_pretrained(checkpoint, dtype=dtype)
        self._model = loaded.eval()
        if precision == "int8":
            self._model = torch.ao.quantization.quantize_dynamic(self._model, {torch.nn.Linear})

    def run(self, ids: Ids) -> Logits:
        """Ids `[B, T]` -> logits `[B, T, C]`."""
        with self._torch.inference_mode():
            logits = self._model(input_ids=self._torch.from_numpy(ids)).logits
        return logits.float().numpy()


class Zentorch(Torch):
    """AMD's plug-in for torch: its ZenDNN kernels behind `torch.compile`, once for each shape."""

    package = "zentorch"

    def __init__(self, checkpoint: Path, threads: int, precision: str) -> None:
        import zentorch  # noqa: F401  # registers the backend

        super().__init__(checkpoint, threads, precision)
        self._model = self._torch.compile(self._model, backend="zentorch", dynamic=False)


class CTranslate2:
    """CTranslate2's encoder; it ends at the last hidden state, so NumPy computes the tag head."""

    package = "ctranslate2"

    def __init__(self, folder: Path, threads: int, precision: str) -> None:
        import ctranslate2
        from safetensors.numpy import load_file

        self._ctranslate2 = ctranslate2
        self._encoder = ctranslate2.Encoder(
            str(folder), compute_type=precision, intra_threads=threads, inter_threads=1
        )
        head = load_file(folder / "classifier.safetensors")
        self._weight, self._bias = head["classifier.weight"].T, head["classifier.bias"]

    def run(self, ids: Ids) -> Logits:
        """Ids `[B, T]` -> logits `[B, T, C]`."""
        batch, tokens = ids.shape
        storage = self._ctranslate2.StorageView.from_array(ids.astype(np.int32))
        lengths = np.full(batch, tokens, dtype=np.int32)
        hidden = self._encoder.forward_batch(
            storage, self._ctranslate2.StorageView.from_array(lengths)
        ).last_hidden_state.to(self._ctranslate2.DataType.float32)
        return np.asarray(hidden) @ self._weight + self._bias


class Tract:
    """tract on an ONNX file, made for each shape anew, because it cannot infer free ones here.

    Its Python package has no setting for threads: it computes on one.
    """

    package = "tract"

    def __init__(self, file: Path, _threads: int, _precision: str) -> None:
        self._file = str(file)
        self._made: dict[tuple[int, ...], Any] = {}

    def run(self, ids: Ids) -> Logits:
        """Ids `[B, T]` -> logits `[B, T, C]`."""
        if ids.shape not in self._made:
            self._made[ids.shape] = self._make(*ids.shape)
        return self._made[ids.shape].run([ids, np.ones_like(ids)])[0].to_numpy()

    def _make(self, batch: int, tokens: int) -> Any:
        import tract

        model: Any = tract.onnx().load(self._file)
        for i in range(model.input_count()):
            model.set_input_fact(i, f"{batch},{tokens},i64")
        return model.into_model().into_runnable()
