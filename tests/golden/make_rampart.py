"""Store what transformers computes (float32, eager) of a published checkpoint of personal data.

Run where torch and transformers are installed and ../shared/data is there::

    python tests/golden/make_rampart.py
"""

import sys
from pathlib import Path

import numpy as np
import transformers

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from conftest import SHARED
from test_parity import transformers_logits
from test_rampart import GOLDEN, STORED, sentences

if __name__ == "__main__":
    path = SHARED / "rampart-pii"
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    ids = [np.array(tokenizer(text)["input_ids"]) for text in sentences(STORED)]
    logits = np.concatenate(transformers_logits(path, ids))
    np.savez_compressed(GOLDEN, ids=np.concatenate(ids).astype(np.int32), logits=logits)
