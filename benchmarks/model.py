"""The models of the races: DistilBERT-base or BERT-base in shape, random in weights; their exports.

Weights do not change how long a product takes, so random ones race as well as trained ones, and
anyone can make the same from the seed. The peers read files made from Hugging Face's own
implementation of the same checkpoint. Each is made when a race first needs it and kept in a work
folder; `python -m benchmarks.model` makes them all.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import shutil
import tempfile
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import ROOT
from benchmarks.options import shared_options
from minner.weights.config import read_config

CASED_VOCABULARY = ROOT.parent / "shared" / "data" / "vocab-cased" / "vocab.txt"
"""BERT's cased wordpieces. Without them placeholders serve: no race of ids reads a wordpiece."""

VOCABULARY_SIZE = 28996

BASE = {"dim": 768, "n_heads": 12, "hidden_dim": 3072}

SHAPES = {
    "distilbert": {"n_layers": 6, **BASE},
    "bert": {"n_layers": 12, **BASE},
    "bert-tiny": {"n_layers": 2, "dim": 128, "n_heads": 2, "hidden_dim": 512},
}
"""What `--model` may name: the base shapes of the two, and the smallest that BERT's makers have."""

CALIBRATION = 10 * (8, 16, 32, 64, 128, 256)
"""Lengths of the sequences of random wordpieces from which static quantisation takes its ranges."""


class Model(NamedTuple):
    """One checkpoint, and the folder of what is made from it.

    Attributes:
        checkpoint: in Hugging Face's layout.
        exports: where the files of EXPORTS are.
    """

    checkpoint: Path
    exports: Path

    def path(self, form: str) -> Path:
        """Where the model is in a form: `checkpoint`, or a name in EXPORTS."""
        return self.checkpoint if form == "checkpoint" else self.exports / EXPORTS[form][0]


def find_model(options: Namespace, forms: Iterable[str] = ()) -> Model:
    """Return the model that the options ask for; of the named forms, what is missing is made.

    (That happens in another process, because it imports torch: a process that only measures
    should stay small.)
    """
    process = multiprocessing.get_context("spawn").Process(
        target=_make_all, args=(options, sorted(EXPORTS.keys() & forms))
    )
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit("the model could not be made")
    return _model(options)


def random_ids(batch: int, tokens: int) -> NDArray[np.int64]:
    """Wordpiece ids `[batch, tokens]`; every engine is given the same."""
    return np.random.default_rng(tokens).integers(1000, VOCABULARY_SIZE, (batch, tokens))


def _model(options: Namespace) -> Model:
    checkpoint = options.checkpoint
    if checkpoint is None:
        kind = "base" if options.model == "distilbert" else options.model
        vocabulary = "cased" if CASED_VOCABULARY.is_file() else "nameless"
        checkpoint = options.work / f"{kind}-{vocabulary}"
    return Model(checkpoint, options.work / f"exports-{_digest(checkpoint / 'model.safetensors')}")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    if path.is_file():
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]


# ---- making what is missing ---------------------------------------------------------------------


def _make_all(options: Namespace, forms: Iterable[str]) -> None:
    if options.checkpoint is None:
        _write_random(_model(options).checkpoint, options.model)
    model = _model(options)
    for form in forms:
        _make(model, form)


def _make(model: Model, form: str) -> Path:
    """Make a form of the model where it is missing; returns its path."""
    path = model.path(form)
    if not path.exists():
        file, write = EXPORTS[form]
        entry = file.split("/")[0]  # a form of several files has a folder of its own
        _appear(model.exports / entry, lambda place: write(model, place.parent / file))
    return path


def _appear(path: Path, write: Any) -> None:
    """Have `write` make a file or folder elsewhere, and move it here when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        write(Path(folder) / path.name)
        shutil.move(Path(folder) / path.name, path)


def _write_random(directory: Path, kind: str) -> None:
    """Write the checkpoint with the tests' own writers, in which seed and scale are defined."""
    if directory.is_dir():
        return
    from checkpoints import SPECIAL_TOKENS, write_checkpoint
    from families import write_family

    if CASED_VOCABULARY.is_file():
        vocabulary = CASED_VOCABULARY.read_text(encoding="utf-8").splitlines()
    else:
        names = (f"wordpiece{i}" for i in range(VOCABULARY_SIZE - len(SPECIAL_TOKENS)))
        vocabulary = [*SPECIAL_TOKENS, *names]
    bert = partial(write_family, model_type="bert")
    write = write_checkpoint if kind == "distilbert" else bert
    shape = {"max_positions": 512, **SHAPES[kind]}
    _appear(directory, lambda path: write(path, vocab=vocabulary, **shape))


def _export(model: Model, path: Path) -> None:
    """Export to ONNX with free batch and length.

    Eager attention, a mask and the tracing exporter: of the eight ways to export that were tried,
    the only one whose attention ONNX Runtime's optimizer fuses. OpenVINO runs all of them, and
    torch's own module converted directly, equally fast.
    """
    import torch
    from transformers import AutoModelForTokenClassification

    warnings.simplefilter("ignore")
    loaded = AutoModelForTokenClassification.from_pretrained(
        model.checkpoint, attn_implementation="eager", dtype=torch.float32
    )

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = loaded.eval()

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    ids, free = torch.randint(1000, 2000, (2, 17)), {0: "batch", 1: "tokens"}
    inputs, outputs = ["input_ids", "attention_mask"], ["logits"]
    with torch.inference_mode():
        torch.onnx.export(
            Logits(),
            (ids, torch.ones_like(ids)),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes={name: free for name in inputs + outputs},
        )


def _fuse(model: Model, path: Path) -> None:
    """Let ONNX Runtime's transformers optimizer rewrite the graph."""
    from onnxruntime.transformers import optimizer

    shape = read_config(model.checkpoint)
    fused = optimizer.optimize_model(
        str(_make(model, "onnx")),
        model_type="bert",
        num_heads=shape.n_heads,
        hidden_size=shape.dim,
        opt_level=0,
    )
    attentions = len(fused.get_nodes_by_op_type("Attention"))
    if attentions != shape.n_layers:
        raise RuntimeError(f"{attentions} attentions were fused, not {shape.n_layers}")
    fused.save_model_to_file(str(path))


def _quantize_weights(form: str, model: Model, path: Path) -> None:
    """Let ONNX Runtime quantise another form: its dynamic scheme, a scale per output channel.

    Signed weights: with unsigned ones it took 3 times as long on a processor with AMX.
    `reduce_range` stays off: it gives a bit of every weight away, against an overflow that there
    is only where bytes are multiplied without VNNI.
    """
    import onnx
    from onnxruntime.quantization import quantize_dynamic

    # The type is that of what the fused operators give, which onnx cannot infer.
    options = {"DefaultTensorType": onnx.TensorProto.FLOAT}
    quantize_dynamic(_make(model, form), path, per_channel=True, extra_options=options)


def _quantize(model: Model, path: Path) -> None:
    """Let NNCF quantise weights and activations for OpenVINO, as its makers advise.

    Symmetric activations, which are at least as fast as asymmetric ones at every shape of the race.
    The ranges of the activations come from random wordpieces, like the weights and the race's ids.
    They decide about the tags of a trained model, but not about the speed of any.
    """
    import nncf
    import openvino

    random = np.random.default_rng(0)
    samples = [
        {
            "input_ids": random.integers(1000, VOCABULARY_SIZE, (1, tokens)),
            "attention_mask": np.ones((1, tokens), dtype=np.int64),
        }
        for tokens in CALIBRATION
    ]
    quantized = nncf.quantize(
        openvino.Core().read_model(_make(model, "onnx")),
        nncf.Dataset(samples),
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.PERFORMANCE,
        subset_size=len(samples),
    )
    path.parent.mkdir()
    openvino.save_model(quantized, path, compress_to_fp16=False)


def _convert_encoder(model: Model, path: Path) -> None:
    """Let CTranslate2 convert the encoder; put the tag head, which it does not run, beside it."""
    from ctranslate2.converters import TransformersConverter
    from safetensors.numpy import load_file, save_file
    from transformers import AutoModel, AutoTokenizer

    with tempfile.TemporaryDirectory() as folder:
        encoder = AutoModel.from_pretrained(model.checkpoint)
        encoder.config.position_embedding_type = "absolute"  # asks for it; transformers 5 has none
        encoder.save_pretrained(folder)
        AutoTokenizer.from_pretrained(model.checkpoint).save_pretrained(folder)
        TransformersConverter(folder).convert(str(path))
    tensors = load_file(model.checkpoint / "model.safetensors")
    head = {name: tensors[name] for name in ("classifier.weight", "classifier.bias")}
    save_file(head, path / "classifier.safetensors")


def _split(form: str, model: Model, path: Path) -> None:
    """Save another form again with its weights beside it."""
    import onnx

    path.parent.mkdir()
    onnx.save_model(
        onnx.load(_make(model, form)), path, save_as_external_data=True, location="weights.bin"
    )


EXPORTS: dict[str, tuple[str, Callable[[Model, Path], None]]] = {
    "onnx": ("model.onnx", _export),
    "fused": ("model-fused.onnx", _fuse),
    "mapped": ("external/model.onnx", partial(_split, "fused")),
    "onnx-int8": ("model-int8.onnx", partial(_quantize_weights, "onnx")),
    "fused-int8": ("model-fused-int8.onnx", partial(_quantize_weights, "fused")),
    "mapped-int8": ("external-int8/model.onnx", partial(_split, "fused-int8")),
    "ctranslate2": ("ctranslate2", _convert_encoder),
    "nncf-int8": ("nncf-int8/model.xml", _quantize),
}
"""Form -> its file, and what writes it. ONNX Runtime maps the weights of a mapped form into memory
instead of reading them."""

if __name__ == "__main__":
    arguments = shared_options(__doc__, rounds=0, minutes=0, output="unused").parse_args()
    found = find_model(arguments, EXPORTS)
    print(found.checkpoint, *map(found.path, EXPORTS), sep="\n")
