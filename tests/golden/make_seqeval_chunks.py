"""Store the chunks that seqeval finds in every short sequence of tags.

Run where seqeval is installed; what is stored was made with seqeval 1.2.2::

    python tests/golden/make_seqeval_chunks.py
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from test_decoders import CASES, STORED, by_word, seqeval_chunks

if __name__ == "__main__":
    found = {
        name: by_word(seqeval_chunks(scheme), tags, longest)
        for name, (tags, longest, _, scheme) in CASES.items()
    }
    np.savez_compressed(STORED, **found)  # type: ignore[arg-type]
