"""The last exercise: the reader's functions run the embedded model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

import minner
from minner import reference
from minner.text.words import split_words
from minner.weights.checkpoint import read_checkpoint

TEXTS = (
    "Anna Kowalczyk met Paris Hilton in Paris.",
    "Kofi Annan flew to Geneva.",
    "My name is John Smith and I work at Acme Corp. in Berlin.",
)

Found = list[tuple[str, str]]


def check_model(function: Callable[[str], Callable[..., Any]]) -> str | None:
    """Compare entities: minner's, and those of the functions that `function` finds by name.

    Returns:
        What is wrong, or None.
    """
    ner = minner.load()
    wordpieces, logits, decode = map(function, ("wordpieces", "logits", "decode"))
    checkpoint = read_checkpoint(ner.directory)
    vocabulary = json.loads((ner.directory / "tokenizer.json").read_bytes())["model"]["vocab"]
    model, config = reference.nested(checkpoint.tensors), checkpoint.config
    for text in TEXTS:
        spans = split_words(text)
        ids, first = [vocabulary["[CLS]"]], []
        for start, end in spans:
            first.append(len(ids))
            ids += [vocabulary[wordpiece] for wordpiece in wordpieces(text[start:end], vocabulary)]
        ids.append(vocabulary["[SEP]"])
        scores = logits(np.array(ids), model, config.n_heads, config.layer_norm_eps)
        tags = [ner.labels[tag] for tag in scores[first].argmax(axis=1)]
        mine = [(text[spans[a][0] : spans[b][1]], label) for label, a, b in decode(tags)]
        minners = [(entity.text, entity.label) for entity in ner(text)]
        if mine != minners:
            return f"In {text!r} yours finds {mine}; minner finds {minners}."
    return None
