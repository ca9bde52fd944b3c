"""The whole model in every precision: how far from float32, and the same bits in any batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import minner
from checkpoints import write_checkpoint
from minner import reference
from minner.engine import Engine
from minner.kernels.runtime.operand_layout import OPERAND_LAYOUTS
from minner.tagger import Tagger
from minner.weights.checkpoint import Checkpoint, read_checkpoint

Ids = NDArray[np.int32]

BOUNDS = {"float32": (0.0, 1e-6), "bfloat16": (1e-3, 6e-3), "int8": (2e-3, 2.5e-2)}
"""The root mean square error of logits over that of the logits: from, as a precision must be what
it says, and to. Measured over the shapes below, three seeds and AMX and AVX2:
at most 4e-7, 4.0e-3 and 1.8e-2; at least 1.6e-3 in bfloat16 and 3.4e-3 in int8."""

SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "hidden 37, one head": {"dim": 37, "n_heads": 1, "n_layers": 1, "hidden_dim": 37},
    "128 labels": {"dim": 64, "n_heads": 4, "hidden_dim": 61, "n_labels": 128},
    "512 positions": {"dim": 24, "n_heads": 3, "hidden_dim": 100, "max_positions": 512},
    "head width 33": {"dim": 66, "n_heads": 2, "hidden_dim": 130, "n_labels": 33},
    "head width 1": {"dim": 4, "n_heads": 4, "hidden_dim": 1, "n_labels": 3},
}

SENTENCES = (
    "My name is John Smith and I work at Acme Corp. in Berlin.",
    "EU rejects German call to boycott British lamb.",
    "Peter Blackburn reported from Brussels on Thursday.",
    "The European Commission met in Strasbourg, France.",
    "Nothing to see here, move along.",
    "Japan began the defence of their Asian Cup title with a 2-1 win against Syria.",
)


def random_ids(checkpoint: Checkpoint, lengths: list[int], seed: int = 0) -> list[Ids]:
    random = np.random.default_rng(seed)
    wordpieces = checkpoint.config.vocab_size
    return [random.integers(0, wordpieces, length).astype(np.int32) for length in lengths]


def relative_error(checkpoint: Checkpoint, precision: str) -> float:
    """The error of logits against the reference, over a few lengths up to all positions."""
    config = checkpoint.config
    ids = random_ids(checkpoint, [3, 1, 7, 16, 31, config.max_position_embeddings])
    model = reference.nested(checkpoint.tensors)
    expected = np.concatenate(
        [reference.token_logits(one, model, config.n_heads, config.activation) for one in ids]
    )
    logits = np.concatenate(Engine(checkpoint, 2, precision).logits(ids))
    return float(np.sqrt(np.mean((logits - expected) ** 2) / np.mean(expected**2)))


@pytest.mark.parametrize("precision", OPERAND_LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_logits_are_near_the_reference(shape: str, precision: str, tmp_path: Path) -> None:
    error = relative_error(read_checkpoint(write_checkpoint(tmp_path, **SHAPES[shape])), precision)
    least, most = BOUNDS[precision]
    assert least <= error <= most


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_tags_of_the_embedded_model(embedded: Tagger, precision: str) -> None:
    ner = minner.load(precision=precision)
    words = [text.split() for text in SENTENCES]
    assert ner.tag(words) == embedded.tag(words)
    found, expected = ner(list(SENTENCES)), embedded(list(SENTENCES))
    assert sum(map(len, expected)) > 8
    for ours, theirs in zip(found, expected, strict=True):
        assert [(one.text, one.label) for one in ours] == [(one.text, one.label) for one in theirs]


@pytest.mark.parametrize("precision", OPERAND_LAYOUTS)
@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_the_same_bits_in_any_batch(tiny_path: Path, precision: str, threads: int) -> None:
    """Alone, in batches of 2, 7 and 64, in any order: also where a list takes several calls."""
    checkpoint = read_checkpoint(tiny_path)
    random = np.random.default_rng(0)
    ids = random_ids(checkpoint, random.integers(1, 33, 64).tolist())
    alone = Engine(checkpoint, 1, precision)
    expected = [alone.logits([one])[0] for one in ids]
    engine = Engine(checkpoint, threads, precision)
    for size in (1, 2, 7, 64):
        order = random.permutation(len(ids))
        for first in range(0, len(ids), size):
            batch = order[first : first + size]
            for number, logits in zip(batch, engine.logits([ids[i] for i in batch]), strict=True):
                np.testing.assert_array_equal(logits, expected[number])


@pytest.mark.parametrize("precision", OPERAND_LAYOUTS)
@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_rows_left_out_change_no_bit_of_the_others(
    tiny_path: Path, precision: str, threads: int
) -> None:
    checkpoint = read_checkpoint(tiny_path)
    random = np.random.default_rng(0)
    lengths = random.integers(1, 33, 40).tolist()
    ids = random_ids(checkpoint, lengths)
    engine = Engine(checkpoint, threads, precision)
    expected = engine.logits(ids)
    for share in (0, 0.1, 0.7):
        rows = [np.flatnonzero(random.random(length) < share) for length in lengths]
        for logits, some, whole in zip(engine.logits(ids, rows), rows, expected, strict=True):
            np.testing.assert_array_equal(logits, whole[some])
