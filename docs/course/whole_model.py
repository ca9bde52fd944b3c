"""The last exercise: the reader's functions run the embedded model."""

from __future__ import annotations

import json
import re
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

PARTS = re.compile(r"\w+|[^\w\s]")
"""What a word is cut into before wordpieces: `Corp.` into `Corp` and `.`."""


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
            for part in PARTS.findall(text[start:end]):
                ids += [vocabulary[wordpiece] for wordpiece in wordpieces(part, vocabulary)]
        ids.append(vocabulary["[SEP]"])
        wanted = [int(index) for index in ner.encode(text)]
        if ids != wanted:
            return f"In {text!r} your wordpieces have the ids {ids}; minner's are {wanted}."
        scores = logits(np.array(ids), model, config.n_heads, config.layer_norm_eps)
        if np.shape(scores) != (len(ids), len(ner.labels)):
            shape = [len(ids), len(ner.labels)]
            return f"Your logits have shape {list(np.shape(scores))}; they must be {shape}."
        tags = [ner.labels[tag] for tag in scores[first].argmax(axis=1)]
        mine = [(text[spans[a][0] : spans[b][1]], label) for label, a, b in decode(tags)]
        minners = [(entity.text, entity.label) for entity in ner(text)]
        if mine != minners:
            return f"In {text!r} yours finds {mine}; minner finds {minners}."
    return None
