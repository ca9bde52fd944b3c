"""Store the logits that transformers computes (float32, eager).

Run after a new embedded model, where torch and transformers are installed::

    python tests/golden/make.py
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from checkpoints import write_checkpoint
from minner.weights.checkpoint import read_checkpoint
from minner.weights.hub import find_checkpoint
from test_parity import SHAPES, sequences, transformers_logits

SENTENCES = [
    "My name is John Smith and I work at Acme Corp. in Berlin.",
    "The U.N. sent Kofi Annan to Geneva after the EU's vote.",
    "BRAZIL BEAT GERMANY 2-0 IN YOKOHAMA",
    "São Paulo's Müller said: \"AT&T won't buy O'Brien & Sons.\"",
    "Nothing to see here.",
    "An Australian won the Tour de France, wrote Le Monde on 24 July 2011.",
]


def random_checkpoints() -> None:
    """One array per shape of test_parity.py: the logits of all its sequences, one after another."""
    arrays = {}
    for name, shape in SHAPES.items():
        with tempfile.TemporaryDirectory() as directory:
            path = write_checkpoint(Path(directory), **shape)
            config = read_checkpoint(path).config
            ids = sequences(config.vocab_size, config.max_position_embeddings)
            arrays[name] = np.concatenate(transformers_logits(path, ids))
    np.savez_compressed(HERE / "random.npz", **arrays)


def embedded_model() -> None:
    """Ids and logits of a few sentences, tokenised by transformers."""
    path = find_checkpoint(None)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    ids = [np.array(tokenizer(text)["input_ids"]) for text in SENTENCES]
    logits = transformers_logits(path, ids)
    record = {
        "made_with": f"transformers {transformers.__version__}, torch {torch.__version__}",
        "sentences": [
            {"text": text, "ids": one.tolist(), "logits": np.round(rows, 7).tolist()}
            for text, one, rows in zip(SENTENCES, ids, logits, strict=True)
        ],
    }
    (HERE / "embedded.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    random_checkpoints()
    embedded_model()
