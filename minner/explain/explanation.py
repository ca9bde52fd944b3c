"""What the explain page shows, as data: `explanation` lists it.

One window of the text is traced. Its states, its attention and what each part wrote come from that
run; what words and heads matter comes from runs without them.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from minner import reference
from minner.decoders import DECODERS
from minner.decoding.assembler import Assembler
from minner.decoding.schemes import chunk_labels
from minner.entity import Entity, record_of
from minner.errors import MinnerError
from minner.explain.contributions import contributions
from minner.explain.cost import cost
from minner.explain.effects import effects
from minner.explain.lens import tag_lens
from minner.explain.subject import Arrays, Subject

CODE = ("token_logits", "block", "attention", "feed_forward", "linear", "layer_norm", "softmax")
"""Functions of `reference.py` that the page shows."""

LAYER_ARRAYS = {
    **{name: f"attention.{name}" for name in ("q_lin", "k_lin", "v_lin", "out_lin")},
    "attention": "attention.weights",
    "sa_layer_norm": "sa_layer_norm",
    "activation": "ffn.activation",
    "lin2": "ffn.lin2",
    "output_layer_norm": "output_layer_norm",
}
"""The name on the page -> the name in a layer of the trace."""


def explanation(subject: Subject) -> dict[str, Any]:
    """Everything about one window of a text.

    Returns:
        A dictionary of facts, ready for JSON but for its arrays. `W` words, `T` tokens of the
        window, `L` layers, `H` heads, `C` labels, `E` entities:

        - `text`: the text. `decoder`: the rule that is used.
        - `model`: `name`, `precision`, `layers`, `heads`, `dim`, `hidden_dim`, `vocabulary`,
          `positions`, `labels`, and `types`, the labels of entities.
        - `words`: for each its `start` and `end` in code points, its `tag`, and `tokens`, the
          first of its tokens and the one after the last; None where the window does not decide
          about it.
        - `tokens`: `ids`, `wordpieces` and `words`, -1 for special tokens.
        - `window`: its `number`, and all `windows` as in `Document`.
        - `entities`: of the text. `decoders`: by name, the `tags` and `entities` each would give.
        - `margins`: for each word the `label` it has, and the `rival`, which is the next best.
        - `runs`: name of what was left out -> the entities then, where they differ.
        - `cost`: `stages` with `name`, `seconds` and `flops`; `threads`; `machine`.
        - `code`: functions of `reference.py`, by name.
        - `arrays`: by name. `embeddings` `[T, D]`; `q_lin`, `k_lin`, `v_lin`, `out_lin`,
          `sa_layer_norm`, `lin2`, `output_layer_norm` `[L, T, D]`; `activation` `[L, T, F]`;
          `attention` `[L, H, T, T]`; `logits` `[T, C]`; `probabilities` `[W, C]`; `lens`
          `[2 L + 1, W, C]`; `margin` `[W]`, and the parts that add up to it: `parts.words`,
          `parts.positions`, `parts.biases` `[W]`, `parts.feed_forwards` `[W, L]`, `parts.heads`
          `[W, L, H]`; `parts.sources` `[W, T]`, the heads' part by the token they read; and,
          where the text is not too long, `effects.words` `[E, W]` and `effects.heads`
          `[E, L, H]`, the change of the probability of an entity's tags, with
          `effects.word_fates` and `effects.head_fates`: 0 kept, 1 changed, 2 lost.

    Raises:
        MinnerError: there is no word in the text.
    """
    if not (subject.words >= 0).any():
        raise MinnerError("there is no word in the text for the model to read; pass some text")
    trace = subject.trace()
    split, measured = _margins(subject, trace), effects(subject)
    seen = subject.document
    return {
        "text": seen.text,
        "decoder": subject.assembler.options.decoder,
        "model": _model(subject),
        "words": _words(subject),
        "tokens": {
            "ids": subject.ids.tolist(),
            "wordpieces": subject.wordpieces,
            "words": subject.words.tolist(),
        },
        "window": {"number": subject.window, "windows": [list(each) for each in seen.windows]},
        "entities": _entities(seen.entities),
        "decoders": _decoders(subject, trace),
        "margins": split.names,
        "runs": {name: _entities(found) for name, found in measured.runs.items()},
        "cost": cost(subject),
        "code": {name: inspect.getsource(getattr(reference, name)) for name in CODE},
        "arrays": {**_traced(subject, trace), **split.arrays, **measured.arrays},
    }


def _entities(found: list[Entity]) -> list[dict[str, Any]]:
    return [*map(record_of, found)]


def _model(subject: Subject) -> dict[str, Any]:
    config, labels = subject.checkpoint.config, subject.checkpoint.config.labels
    return {
        "name": subject.checkpoint.directory.name,
        "precision": subject.engine.precision,
        "layers": config.n_layers,
        "heads": config.n_heads,
        "dim": config.dim,
        "hidden_dim": config.hidden_dim,
        "vocabulary": config.vocab_size,
        "positions": config.max_position_embeddings,
        "labels": list(labels),
        "types": list(dict.fromkeys(filter(None, chunk_labels(labels)))),
    }


def _words(subject: Subject) -> list[dict[str, Any]]:
    words = []
    for word, (start, end) in enumerate(subject.document.words):
        tokens = np.flatnonzero(subject.words == word)
        decided = subject.first[word] >= 0
        span = [int(tokens[0]), int(tokens[-1]) + 1] if decided else None
        tag = subject.document.tags[word]
        words.append({"start": start, "end": end, "tag": tag, "tokens": span})
    return words


def _traced(subject: Subject, trace: Arrays) -> Arrays:
    layers, decided = subject.checkpoint.config.n_layers, np.maximum(subject.first, 0)
    lens = tag_lens(trace, subject.model["classifier"], layers)
    return {
        "embeddings": trace["embeddings"],
        **{
            name: np.stack([trace[f"transformer.layer.{n}.{inside}"] for n in range(layers)])
            for name, inside in LAYER_ARRAYS.items()
        },
        "logits": trace["classifier"],
        "probabilities": subject.document.probabilities,
        "lens": lens[:, decided],
    }


class _Margins(NamedTuple):
    names: list[dict[str, str]]
    arrays: Arrays


def _margins(subject: Subject, trace: Arrays) -> _Margins:
    """By how much each word has its label rather than the next best, and who wrote that."""
    labels, tokens = subject.checkpoint.config.labels, np.maximum(subject.first, 0)
    order = trace["classifier"][tokens].argsort(axis=1)
    best = np.array(
        [
            labels.index(tag) if tag in labels else last
            for tag, last in zip(subject.document.tags, order[:, -1], strict=True)
        ]
    )
    rival = np.where(order[:, -1] == best, order[:, -2], order[:, -1])
    head = subject.model["classifier"]
    parts = contributions(
        trace,
        subject.model,
        subject.checkpoint.config.layer_norm_eps,
        tokens,
        head["weight"][best] - head["weight"][rival],
        head["bias"][best] - head["bias"][rival],
    )
    logits = trace["classifier"][tokens].astype(np.float64)
    rows = np.arange(len(tokens))
    return _Margins(
        [{"label": labels[a], "rival": labels[b]} for a, b in zip(best, rival, strict=True)],
        {
            "margin": logits[rows, best] - logits[rows, rival],
            **{f"parts.{name}": values for name, values in parts._asdict().items()},
        },
    )


def _decoders(subject: Subject, trace: Arrays) -> dict[str, dict[str, Any]]:
    """What each decoder that can read the model's labels makes of the same logits."""
    found = {}
    for name in DECODERS:
        options = replace(subject.assembler.options, decoder=name)
        try:
            assembler = Assembler(options, subject.checkpoint.config.labels)
        except MinnerError:
            continue  # it reads other schemes of labels
        document = subject.read(trace["classifier"], assembler)
        found[name] = {"tags": document.tags, "entities": _entities(document.entities)}
    return found
