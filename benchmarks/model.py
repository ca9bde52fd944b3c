"""The model of the races: DistilBERT-base in shape, random in weights, and its exports.

Weights do not change how long a product takes, so random ones race as well as trained ones, and
anyone can make the same from the seed. The peers read an ONNX file exported from Hugging Face's
own implementation of the same checkpoint. All of it is made once and kept in a work folder;
`python -m benchmarks.model` does only that.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
import sys
import tempfile
import warnings
from argparse import Namespace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import ROOT
from benchmarks.options import shared_options

CASED_VOCABULARY = ROOT.parent / "shared" / "data" / "vocab-cased" / "vocab.txt"
"""BERT's cased pieces. Without them placeholders serve: no race of ids reads a piece."""

VOCABULARY_SIZE = 28996


class Model(NamedTuple):
    """One checkpoint, in the form that each engine wants.

    Attributes:
        checkpoint: in Hugging Face's layout.
        onnx: the exported graph.
        onnx_fused: the same, rewritten by ONNX Runtime's transformers optimizer.
        onnx_external: the same again, its weights in a file of their own, which ONNX Runtime
            maps into memory instead of reading it.
    """

    checkpoint: Path
    onnx: Path
    onnx_fused: Path
    onnx_external: Path


def find_model(options: Namespace) -> Model:
    """Return the model that the options ask for; made in another process where it is missing.

    (torch is imported there, not here: a process that only measures should stay small.)
    """
    process = multiprocessing.get_context("spawn").Process(
        target=_make, args=(options.work, options.checkpoint)
    )
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit("the model could not be made")
    return _paths(options.work, options.checkpoint)


def random_ids(batch: int, tokens: int) -> NDArray[np.int64]:
    """Piece ids `[batch, tokens]`; every engine is given the same."""
    return np.random.default_rng(tokens).integers(1000, VOCABULARY_SIZE, (batch, tokens))


def _paths(work: Path, checkpoint: Path | None) -> Model:
    if checkpoint is None:
        checkpoint = work / f"base-{'cased' if CASED_VOCABULARY.is_file() else 'nameless'}"
    exports = work / f"exports-{_digest(checkpoint / 'model.safetensors')}"
    names = "model.onnx", "model-fused.onnx", "external/model.onnx"
    return Model(checkpoint, *(exports / name for name in names))


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    if path.is_file():
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]


def _make(work: Path, checkpoint: Path | None) -> None:
    if checkpoint is None:
        _write_random(_paths(work, None).checkpoint)
    model = _paths(work, checkpoint)
    if not model.onnx.is_file():
        _appear(model.onnx, lambda path: _export(model.checkpoint, path))
    if not model.onnx_fused.is_file():
        _appear(model.onnx_fused, lambda path: _fuse(model, path))
    if not model.onnx_external.is_file():
        _appear(model.onnx_external.parent, lambda path: _split(model.onnx_fused, path))


def _appear(path: Path, write: Any) -> None:
    """Have `write` make a file or folder elsewhere, and move it here when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        write(Path(folder) / path.name)
        shutil.move(Path(folder) / path.name, path)


def _write_random(directory: Path) -> None:
    """Write the checkpoint with the tests' own writer, in which seed and scale are defined."""
    if directory.is_dir():
        return
    sys.path.append(str(ROOT / "tests"))
    from checkpoints import SPECIAL_TOKENS, write_checkpoint

    if CASED_VOCABULARY.is_file():
        vocabulary = CASED_VOCABULARY.read_text(encoding="utf-8").splitlines()
    else:
        names = (f"piece{i}" for i in range(VOCABULARY_SIZE - len(SPECIAL_TOKENS)))
        vocabulary = [*SPECIAL_TOKENS, *names]
    shape = {"dim": 768, "n_heads": 12, "n_layers": 6, "hidden_dim": 3072, "max_positions": 512}
    _appear(directory, lambda path: write_checkpoint(path, vocab=vocabulary, **shape))


def _export(checkpoint: Path, path: Path) -> None:
    """Export to ONNX with free batch and length.

    Eager attention, a mask and the tracing exporter: of the eight ways to export that were tried,
    the only one whose attention ONNX Runtime's optimizer fuses. OpenVINO runs all of them, and
    torch's own module converted directly, equally fast.
    """
    import torch
    from transformers import DistilBertForTokenClassification

    warnings.simplefilter("ignore")
    loaded = DistilBertForTokenClassification.from_pretrained(
        checkpoint, attn_implementation="eager"
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

    config = json.loads((model.checkpoint / "config.json").read_text(encoding="utf-8"))
    fused = optimizer.optimize_model(
        str(model.onnx),
        model_type="bert",
        num_heads=config["n_heads"],
        hidden_size=config["dim"],
        opt_level=0,
    )
    attentions = len(fused.get_nodes_by_op_type("Attention"))
    if attentions != config["n_layers"]:
        raise RuntimeError(f"{attentions} attentions were fused, not {config['n_layers']}")
    fused.save_model_to_file(str(path))


def _split(fused: Path, folder: Path) -> None:
    """Save a model again with its weights beside it."""
    import onnx

    folder.mkdir()
    onnx.save_model(
        onnx.load(fused),
        folder / "model.onnx",
        save_as_external_data=True,
        location="weights.bin",
    )


if __name__ == "__main__":
    parser = shared_options(__doc__, rounds=0, minutes=0, output="unused")
    print(*find_model(parser.parse_args()), sep="\n")
