"""Draw the pictures of the course from a trace of the embedded model.

    python docs/course/draw.py

The trace is that of `minner/reference.py`, whose numbers no processor changes much; the tests draw
the pictures again and compare.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from svg import boxes, curve, grid

import minner
from minner import reference
from minner.text.words import split_words
from minner.weights.checkpoint import read_checkpoint

TEXT = "Anna Kowalczyk met Paris Hilton in Paris."
PICTURES = Path(__file__).with_name("pictures")
LAYER = "transformer.layer"


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    for name, picture in pictures().items():
        (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")


def pictures() -> dict[str, str]:
    """Name -> SVG."""
    ner = minner.load()
    trace = ner.trace(TEXT, by="reference")
    wordpieces = [str(wordpiece) for wordpiece in trace["wordpieces"]]
    words = [TEXT[start:end] for start, end in split_words(TEXT)]
    tags = [ner.labels[tag] for tag in trace["probabilities"].argmax(axis=1)]
    return {
        "wordpieces": boxes(
            [words, wordpieces, [str(index) for index in trace["ids"]]],
            ["words", "wordpieces", "ids"],
        ),
        "embeddings": grid(trace["embeddings"][:, :32], wordpieces, [str(n) for n in range(32)]),
        "layer-norm": _layer_norm(ner, trace, wordpieces),
        "attention": _attention(trace, wordpieces),
        "feed-forward": _gelu(trace),
        "residuals": _residuals(trace),
        "tag-head": grid(trace["probabilities"], words, list(ner.labels)),
        "decoding": boxes(
            [words, tags, [f"{one.text}: {one.label}" for one in trace.entities]],
            ["words", "tags", "entities"],
        ),
    }


def _layer_norm(ner: Any, trace: Any, wordpieces: list[str]) -> str:
    """The spread of each token before the first norm, before its scale and shift, and after."""
    embeddings = reference.nested(read_checkpoint(ner.directory).tensors)["embeddings"]
    words = embeddings["word_embeddings"]["weight"][trace["ids"]]
    before = words + embeddings["position_embeddings"]["weight"][: len(words)]
    normal = reference.layer_norm(before, np.float32(1), np.float32(0), 1e-12)
    spread = np.stack([before.std(axis=1), normal.std(axis=1)], axis=1)
    return grid(spread, wordpieces, ["before", "after"], numbers=True)


def head_of_hilton(trace: Any) -> tuple[int, int]:
    """The layer and the head in which the first Paris looks at Hilton most."""
    looks = np.stack([trace[f"{LAYER}.{n}.attention.weights"][:, 7, 8] for n in range(6)])
    layer, head = np.unravel_index(looks.argmax(), looks.shape)
    return int(layer), int(head)


def _attention(trace: Any, wordpieces: list[str]) -> str:
    layer, head = head_of_hilton(trace)
    return grid(trace[f"{LAYER}.{layer}.attention.weights"][head], wordpieces, wordpieces)


def _gelu(trace: Any) -> str:
    """What goes into the activation of layer 0 and what comes out, for some of its values."""
    inside, outside = (
        trace[f"{LAYER}.0.ffn.{name}"].ravel()[::97] for name in ("lin1", "activation")
    )
    x = np.linspace(-4, 4, 81)
    return curve(x, reference.ACTIVATIONS["gelu"](x), inside, outside)


def _residuals(trace: Any) -> str:
    """Lengths of vectors, mean over tokens: of the state, and of what each part adds to it."""

    def length(name: str) -> float:
        return float(np.linalg.norm(trace[name], axis=1).mean())

    rows = []
    for n in range(6):
        before = f"{LAYER}.{n - 1}.output_layer_norm" if n else "embeddings"
        names = (
            before,
            f"{LAYER}.{n}.attention.out_lin",
            f"{LAYER}.{n}.sa_layer_norm",
            f"{LAYER}.{n}.ffn.lin2",
        )
        rows.append([length(name) for name in names])
    columns = ["state", "+ attention", "state", "+ feed-forward"]
    return grid(np.array(rows), [f"layer {n}" for n in range(6)], columns, numbers=True)


if __name__ == "__main__":
    main()
