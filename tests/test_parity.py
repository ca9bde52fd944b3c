"""Logits of the reference and of the kernels against Hugging Face transformers.

`tests/golden/` holds what transformers computed (float32, eager) and the script that stored it.
Where torch and transformers are installed the comparison also runs live.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from checkpoints import write_checkpoint, write_safetensors
from minner import reference
from minner.engine import Engine
from minner.weights.checkpoint import read_checkpoint

GOLDEN = Path(__file__).parent / "golden"

SHAPES = {
    "plain": {},
    "hidden 37, one head, one layer": {
        "dim": 37,
        "n_heads": 1,
        "n_layers": 1,
        "hidden_dim": 37,
    },
    "128 labels": {"dim": 64, "n_heads": 4, "hidden_dim": 61, "n_labels": 128},
    "head width 8, 512 positions": {
        "dim": 24,
        "n_heads": 3,
        "n_layers": 3,
        "hidden_dim": 100,
        "max_positions": 512,
    },
    "one label, head width 1": {"dim": 4, "n_heads": 4, "hidden_dim": 1, "n_labels": 1},
    "head width 33": {"dim": 66, "n_heads": 2, "hidden_dim": 130, "n_labels": 33},
    "relu": {"activation": "relu", "seed": 1},
    "gelu_new": {"activation": "gelu_new", "seed": 2},
    "silu": {"activation": "silu", "seed": 3},
}
BASE = {"dim": 768, "n_heads": 12, "n_layers": 6, "hidden_dim": 3072, "max_positions": 512}


def sequences(vocabulary, positions, seed=0):
    """Random ids: 3 tokens, a few odd lengths, and all positions."""
    lengths = [3, 1, 7, 16, 31, positions]
    rng = np.random.default_rng(seed)
    return [rng.integers(0, vocabulary, n).astype(np.int32) for n in lengths]


def both(checkpoint, ids):
    """The logits of the kernels and of the reference."""
    model, config = reference.nested(checkpoint.tensors), checkpoint.config
    slow = [reference.token_logits(one, model, config.n_heads, config.activation) for one in ids]
    return Engine(checkpoint).logits(ids), slow


def assert_close(actual, expected, tolerance):
    for ours, theirs in zip(actual, expected, strict=True):
        assert ours.shape == theirs.shape
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)
        np.testing.assert_array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))


@pytest.mark.parametrize("name", SHAPES)
def test_stored_logits(name, tmp_path):
    checkpoint = read_checkpoint(write_checkpoint(tmp_path, **SHAPES[name]))
    config = checkpoint.config
    with np.load(GOLDEN / "random.npz") as stored:
        expected = np.split(stored[name], np.cumsum([3, 1, 7, 16, 31]))
    fast, slow = both(checkpoint, sequences(config.vocab_size, config.max_position_embeddings))
    assert_close(fast, expected, 1e-4)
    assert_close(slow, expected, 1e-4)


def test_stored_logits_of_the_embedded_model(embedded):
    stored = json.loads((GOLDEN / "embedded.json").read_text())
    ids = [np.array(sentence["ids"], dtype=np.int32) for sentence in stored["sentences"]]
    expected = [np.array(sentence["logits"], np.float32) for sentence in stored["sentences"]]
    fast, slow = both(embedded._checkpoint, ids)
    assert_close(fast, expected, 2e-5)
    assert_close(slow, expected, 2e-5)


def test_the_epsilon_of_norms_is_that_of_distilbert(tmp_path):
    """Embeddings of a thousandth change nothing beside 1e-12; beside BERT's 1e-5 they would."""
    checkpoint = read_checkpoint(write_checkpoint(tmp_path / "plain"))
    tensors = {
        name: values / np.float32(1000) if "_embeddings" in name else values
        for name, values in checkpoint.tensors.items()
    }
    write_safetensors(write_checkpoint(tmp_path / "small") / "model.safetensors", tensors)
    ids = sequences(checkpoint.config.vocab_size, 64)
    expected = both(checkpoint, ids)
    for ours, theirs in zip(both(read_checkpoint(tmp_path / "small"), ids), expected, strict=True):
        assert_close(ours, theirs, 1e-4)


def test_the_reference_runs_without_numba(tmp_path):
    script = (
        "import sys; sys.modules.update(numba=None, llvmlite=None); import numpy as np;"
        "from minner import reference; from minner.weights.checkpoint import read_checkpoint;"
        "checkpoint = read_checkpoint(sys.argv[1]); config = checkpoint.config;"
        "model = reference.nested(checkpoint.tensors); ids = np.arange(5, dtype=np.int32);"
        "logits = reference.token_logits(ids, model, config.n_heads, config.activation);"
        "print(logits.tobytes().hex())"
    )
    command = [sys.executable, "-c", script, str(write_checkpoint(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    _, [here] = both(read_checkpoint(tmp_path), [np.arange(5, dtype=np.int32)])
    assert done.stdout == f"{here.tobytes().hex()}\n"


# ---- live -------------------------------------------------------------------------------------


def transformers_logits(directory, ids):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForTokenClassification.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    with torch.no_grad():
        return [model(torch.tensor(one[None].astype(np.int64))).logits[0].numpy() for one in ids]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", [*SHAPES, "DistilBERT-base"])
def test_live_logits(name, tmp_path):
    pytest.importorskip("transformers")
    write_checkpoint(tmp_path, **(SHAPES | {"DistilBERT-base": BASE})[name])
    checkpoint = read_checkpoint(tmp_path)
    config = checkpoint.config
    ids = sequences(config.vocab_size, config.max_position_embeddings)
    expected = transformers_logits(tmp_path, ids)
    fast, slow = both(checkpoint, ids)
    assert_close(fast, expected, 1e-4)
    assert_close(slow, expected, 1e-4)
