"""The exercises: what each function must give, and what usual mistakes would give instead."""

from __future__ import annotations

from typing import Any

import answers
import numpy as np
from exercise import Exercise
from machine_exercises import MACHINE_EXERCISES
from measuring_exercises import MEASURING_EXERCISES

from minner import reference

HEADS, EPSILON = 2, 1e-12


def _numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _linear(outputs: int, inputs: int, seed: int) -> dict[str, Any]:
    return {
        "weight": _numbers(outputs, inputs, seed=seed),
        "bias": _numbers(outputs, seed=seed + 1),
    }


def _norm(seed: int) -> dict[str, Any]:
    return {"weight": _numbers(8, seed=seed), "bias": _numbers(8, seed=seed + 1)}


X = _numbers(5, 8, seed=1)
ATTENTION = {
    name: _linear(8, 8, seed)
    for seed, name in zip((10, 20, 30, 40), ("q_lin", "k_lin", "v_lin", "out_lin"), strict=True)
}
FFN = {"lin1": _linear(16, 8, 50), "lin2": _linear(8, 16, 60)}
LAYER = {
    "attention": ATTENTION,
    "sa_layer_norm": _norm(70),
    "ffn": FFN,
    "output_layer_norm": _norm(80),
}
LOUD = ATTENTION | {
    name: {key: 100 * value for key, value in ATTENTION[name].items()}
    for name in ("q_lin", "k_lin")
}
"""Its scores overflow; its values are of the usual size, so that the tolerance suits them."""


KNOWN = ["[UNK]", "Ko", "Kow", "##wal", "##w", "##al", "##czyk", "##cz", "##yk", "Paris", "met"]
VOCABULARY = {wordpiece: index for index, wordpiece in enumerate(KNOWN)}


TAGS = [
    "B-PER I-PER O B-LOC O",
    "O I-PER I-PER O",
    "B-PER O I-PER",
    "B-PER B-PER I-PER",
    "B-PER I-LOC I-LOC",
    "O O",
    "B-ORG",
]

MODEL_EXERCISES = {
    "wordpieces": Exercise(
        "wordpieces",
        [(word, VOCABULARY) for word in ("Paris", "Kowalczyk", "Kowal", "Kox", "met")],
        answers.wordpieces,
        {
            "If a part of the word fits no wordpiece, the word becomes [UNK], alone.": answers.cut,
            "A wordpiece that does not begin its word carries ## in front, in the vocabulary and "
            "in your result.": lambda *case: answers.cut(*case, mark=""),
            "At each place take the longest wordpiece that fits, not the shortest.": lambda *case: (
                answers.cut(*case, shortest=True)
            ),
        },
    ),
    "embeddings": Exercise(
        "embeddings",
        [(np.array([2, 6, 6, 3]), _numbers(9, 8), _numbers(12, 8, seed=2))],
        answers.embeddings,
        {
            "The positions are missing.": lambda ids, words, positions: words[ids],
            "Positions are counted from 0 in every text; they are not looked up by the ids.": (
                lambda ids, words, positions: words[ids] + positions[ids]
            ),
        },
    ),
    "layer_norm": Exercise(
        "layer_norm",
        [(X, *_norm(70).values(), EPSILON), (X / 1000, *_norm(70).values(), 1e-5)],
        reference.layer_norm,
        {
            "Divide the variance by D, not by D - 1.": lambda *case: answers.layer_norm(
                *case, less=1
            ),
            "Take mean and variance of each token over its D values (axis=-1), not of each column."
            "": lambda *case: answers.layer_norm(*case, axis=0),
            "The learned scale and shift, weight and bias, are missing.": (
                lambda x, weight, bias, epsilon: answers.layer_norm(x, 1, 0, epsilon)
            ),
            "Add epsilon to the variance, before the square root.": (
                lambda x, weight, bias, epsilon: (
                    (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + epsilon) * weight
                    + bias
                )
            ),
        },
    ),
    "attention": Exercise(
        "attention",
        [(X, ATTENTION, HEADS), (X, ATTENTION, 4), (X, LOUD, HEADS)],
        lambda *case: reference.attention(*case, answers.record),
        {
            "Divide the scores by the square root of d, the width of a head.": lambda *case: (
                answers.attention(*case, scale=False)
            ),
            "Divide by the root of d, the width of a head; yours is that of D, the whole width.": (
                lambda x, layer, heads: answers.attention(x, layer, heads, width=x.shape[1])
            ),
            "Weights are stored [out, in]: a linear layer is x @ weight.T + bias.": (
                lambda x, layer, heads: answers.attention(x, answers.turned(layer), heads)
            ),
            "A linear layer adds its bias: x @ weight.T + bias.": (
                lambda x, layer, heads: answers.attention(x, answers.unbiased(layer), heads)
            ),
            "Swap the axes back, to [T, H, d], before you put the heads side by side.": (
                lambda *case: answers.attention(*case, joined=False)
            ),
            "Softmax must make each row sum to 1: each token shares out its own look (axis=-1).": (
                lambda *case: answers.attention(*case, axis=-2)
            ),
            "All heads are one: cut q, k and v into heads first.": lambda x, layer, heads: (
                answers.attention(x, layer, 1)
            ),
            "The columns of a head stand side by side: reshape to [T, H, d], then swap the axes.": (
                lambda *case: answers.attention(*case, split=lambda x, h: x.reshape(h, len(x), -1))
            ),
            "Large scores overflow in exp: subtract the maximum of each row first.": lambda *case: (
                answers.attention(*case, safe=False)
            ),
            "The last linear layer, out_lin, is missing.": lambda *case: answers.attention(
                *case, out=False
            ),
        },
    ),
    "feed_forward": Exercise(
        "feed_forward",
        [(X, FFN)],
        answers.feed_forward,
        {
            "The activation between the two linear layers is missing.": answers.without_activation,
            "That is ReLU; this model was trained with GELU.": lambda *case: answers.feed_forward(
                *case, activation="relu"
            ),
            "That is the tanh formula, which is only near GELU; this model was trained with erf.": (
                lambda *case: answers.feed_forward(*case, activation="gelu_tanh")
            ),
        },
    ),
    "block": Exercise(
        "block",
        [(X, LAYER, HEADS, EPSILON)],
        answers.block,
        {
            "Nothing is added to its input: each part loses what was there before.": (
                answers.mistaken_block
            ),
            "The second addition takes the result of the first norm, not the input of the layer.": (
                lambda *case: answers.mistaken_block(*case, keep="first")
            ),
        },
    ),
    "tag_head": Exercise(
        "tag_head",
        [(X, _linear(9, 8, 90))],
        answers.tag_head,
        {
            "Those are probabilities; give the logits, before softmax.": lambda *case: (
                reference.softmax(answers.tag_head(*case))
            ),
            "The bias is missing.": lambda x, classifier: x @ classifier["weight"].T,
        },
    ),
    "decoding": Exercise(
        "decode",
        [(tags.split(),) for tags in TAGS],
        answers.decode,
        {
            "An I- that follows O opens a chunk.": lambda tags: answers.decode_wrongly(
                tags, "stray"
            ),
            "An O ends the chunk before it: an I- after O does not go on with what was before O.": (
                lambda tags: answers.decode_wrongly(tags, "across")
            ),
            "A B- always opens a chunk, also after a word of the same label.": lambda tags: (
                answers.decode_wrongly(tags, "touching")
            ),
            "An I- of another label than the word before opens a chunk.": lambda tags: (
                answers.decode_wrongly(tags, "type")
            ),
        },
    ),
}
"""The exercises of part one, by name."""

EXERCISES = MODEL_EXERCISES | MACHINE_EXERCISES | MEASURING_EXERCISES
"""The name of an exercise -> it."""
