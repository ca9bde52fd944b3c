"""Store the logits that transformers computes (float32, eager) for every family of checkpoints.

Run where torch and transformers are installed::

    python tests/golden/make_families.py
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from families import FAMILIES, SHAPES, write_family
from minner.weights.config import read_config
from test_architectures import GOLDEN, sequences
from test_parity import transformers_logits

if __name__ == "__main__":
    arrays = {}
    for family in FAMILIES:
        for shape, sizes in SHAPES.items():
            with tempfile.TemporaryDirectory() as directory:
                path = write_family(Path(directory), family, **sizes)
                ids = sequences(read_config(path).vocab_size)
                arrays[f"{family}: {shape}"] = np.concatenate(transformers_logits(path, ids))
    np.savez_compressed(GOLDEN, **arrays)
