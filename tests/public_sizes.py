"""Logits at the true sizes of public checkpoints, against transformers (float32, eager).

The weights are random. Each model is made, compared and deleted in turn; the largest takes 8 GB of
memory. Not a test that runs by itself: it takes minutes. Run it where torch and transformers are::

    python tests/public_sizes.py            # all
    python tests/public_sizes.py dslim      # those whose name begins so

A line says how far the logits are from those of transformers, that the tags are the same, and that
the bits are the same alone, in a batch, and on one and two threads.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from minner.engine import Engine
from minner.weights.checkpoint import read_checkpoint
from saved_by_transformers import save_random
from test_parity import transformers_logits

BASE: dict[str, Any] = {"dim": 768, "n_heads": 12, "hidden_dim": 3072, "max_positions": 512}
LARGE: dict[str, Any] = {"dim": 1024, "n_heads": 16, "hidden_dim": 4096, "max_positions": 512}
BERT = {"n_layers": 12, "layer_norm_eps": 1e-12}
LARGE_BERT = {"n_layers": 24, "layer_norm_eps": 1e-12}

PUBLIC: dict[str, tuple[str, dict[str, Any]]] = {
    "dslim/distilbert-NER": ("distilbert", {**BASE, "n_layers": 6, "vocab_size": 28996}),
    "elastic/distilbert-base-uncased-finetuned-conll03-english": (
        "distilbert",
        {**BASE, "n_layers": 6, "vocab_size": 30522},
    ),
    "d4data/biomedical-ner-all": (
        "distilbert",
        {**BASE, "n_layers": 6, "vocab_size": 30522, "n_labels": 84},
    ),
    "Davlan/distilbert-base-multilingual-cased-ner-hrl": (
        "distilbert",
        {**BASE, "n_layers": 6, "vocab_size": 119547},
    ),
    "dslim/bert-base-NER": ("bert", {**BASE, **BERT, "vocab_size": 28996}),
    "StanfordAIMI/stanford-deidentifier-base": (
        "bert",
        {**BASE, **BERT, "vocab_size": 30522, "n_labels": 8},
    ),
    "Babelscape/wikineural-multilingual-ner": ("bert", {**BASE, **BERT, "vocab_size": 119547}),
    "dslim/bert-large-NER": ("bert", {**LARGE, **LARGE_BERT, "vocab_size": 28996}),
    "dbmdz/bert-large-cased-finetuned-conll03-english": (
        "bert",
        {**LARGE, **LARGE_BERT, "vocab_size": 28996, "n_labels": 8},
    ),
    "Jean-Baptiste/camembert-ner": (
        "camembert",
        {**BASE, "n_layers": 12, "vocab_size": 32005, "n_labels": 5},
    ),
    "Davlan/xlm-roberta-base-ner-hrl": (
        "xlm-roberta",
        {**BASE, "n_layers": 12, "vocab_size": 250002},
    ),
    "Jean-Baptiste/roberta-large-ner-english": (
        "roberta",
        {**LARGE, "n_layers": 24, "vocab_size": 50265, "n_labels": 5},
    ),
    "FacebookAI/xlm-roberta-large-finetuned-conll03-english": (
        "xlm-roberta",
        {**LARGE, "n_layers": 24, "vocab_size": 250002, "n_labels": 8},
    ),
}
"""Name -> model type and sizes."""

LENGTHS = (3, 16, 41, 128)


def compare(model_type: str, sizes: dict[str, Any]) -> str:
    """Return the line for one model; raises AssertionError where tags or bits differ."""
    with tempfile.TemporaryDirectory() as directory:
        path = save_random(Path(directory), model_type, **sizes)
        random = np.random.default_rng(0)
        ids = [random.integers(5, sizes["vocab_size"], n).astype(np.int32) for n in LENGTHS]
        theirs = transformers_logits(path, ids)
        checkpoint = read_checkpoint(path)
        together = Engine(checkpoint, threads=2).logits(ids)
        engine = Engine(checkpoint, threads=1)
        alone = [engine.logits([one])[0] for one in ids]
    largest = max(
        float(np.abs(ours - expected).max())
        for ours, expected in zip(together, theirs, strict=True)
    )
    for ours, expected, other in zip(together, theirs, alone, strict=True):
        assert np.array_equal(ours.argmax(axis=1), expected.argmax(axis=1)), "another tag"
        assert np.array_equal(ours, other), "other bits"
    return f"largest difference {largest:.1e}, same tags, same bits"


if __name__ == "__main__":
    wanted = sys.argv[1:] or [""]
    for name, (model_type, sizes) in PUBLIC.items():
        if any(name.startswith(beginning) for beginning in wanted):
            print(f"{name} ({model_type}): {compare(model_type, sizes)}", flush=True)
