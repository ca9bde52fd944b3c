"""The model, described once: the encoder of BERT with a tag head, step by step.

Names and shapes of tensors, how they are packed and viewed, the stages of a forward pass and the
number of its operations derive from EMBED, LAYER and HEAD. `minner/reference.py` and `forward.py`
write the same steps out by hand, because they are there to be read; tests hold them to this.

Sizes have letters: V wordpieces, P positions, D model width, A the width of all heads side by side
(D, before the kernels pad each head), F feed-forward width, C tag classes. A model has L layers and
H heads.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple


class Shape(NamedTuple):
    """The sizes of a model, as its checkpoint has them: unpadded."""

    vocabulary: int  # V
    positions: int  # P
    layers: int  # L
    heads: int  # H
    dim: int  # D
    hidden_dim: int  # F
    classes: int  # C


class Sizes(NamedTuple):
    """Sizes by their letters, padded or not."""

    V: int
    P: int
    D: int
    A: int
    F: int
    C: int


class Kind(Enum):
    """What a step does."""

    TABLE = "a row of the weight [rows, D] for each token"
    NORM = "layer norm over D values, with weight and bias [D]"
    LINEAR = "x W^T + b, with weight [outputs, inputs] and bias [outputs]"
    ATTENTION = "softmax(q k^T / sqrt(d)) v in each head; has no weights"


class Step(NamedTuple):
    """One step of the forward pass.

    Attributes:
        name: of its stage, if it is a product, and of its packed weights.
        kind: what it does.
        modules: those whose weights are packed side by side, by the names of a checkpoint; in
            LAYER, below `transformer.layer.N`.
        rows: the letter of the rows of each module's weight.
        columns: the letter of its columns.
    """

    name: str
    kind: Kind
    modules: tuple[str, ...] = ()
    rows: str = "D"
    columns: str = "D"


EMBED = (
    Step("word_embeddings", Kind.TABLE, ("embeddings.word_embeddings",), "V"),
    Step("position_embeddings", Kind.TABLE, ("embeddings.position_embeddings",), "P"),
    Step("embeddings_norm", Kind.NORM, ("embeddings.LayerNorm",)),
)
LAYER = (
    Step("qkv", Kind.LINEAR, tuple(f"attention.{x}_lin" for x in "qkv"), "A", "D"),
    Step("attention", Kind.ATTENTION),
    Step("out_lin", Kind.LINEAR, ("attention.out_lin",), "D", "A"),
    Step("sa_layer_norm", Kind.NORM, ("sa_layer_norm",)),
    Step("lin1", Kind.LINEAR, ("ffn.lin1",), "F", "D"),
    Step("lin2", Kind.LINEAR, ("ffn.lin2",), "D", "F"),
    Step("output_layer_norm", Kind.NORM, ("output_layer_norm",)),
)
HEAD = (Step("classifier", Kind.LINEAR, ("classifier",), "C", "D"),)

PRODUCTS = tuple(step.name for step in (*LAYER, *HEAD) if step.kind is Kind.LINEAR)
"""The stages that are matrix products."""


def sizes_of(shape: Shape) -> Sizes:
    """The sizes of a checkpoint by letter."""
    s = shape
    return Sizes(s.vocabulary, s.positions, s.dim, s.dim, s.hidden_dim, s.classes)


def layer_prefix(layer: int) -> str:
    """What the names of a layer's modules begin with."""
    return f"transformer.layer.{layer}."


def modules(layers: int) -> Iterator[tuple[str, Step]]:
    """Every module that has weights, by its full name, with the step that it belongs to."""
    for step in EMBED:
        yield from ((module, step) for module in step.modules)
    for n in range(layers):
        for step in LAYER:
            yield from ((layer_prefix(n) + module, step) for module in step.modules)
    for step in HEAD:
        yield from ((module, step) for module in step.modules)


def tensor_letters(module: str, step: Step) -> dict[str, str]:
    """The tensors of a module, with the letters of their shapes."""
    matrix = step.rows + step.columns
    match step.kind:
        case Kind.TABLE:
            return {f"{module}.weight": matrix}
        case Kind.NORM:
            return {f"{module}.weight": "D", f"{module}.bias": "D"}
        case _:
            return {f"{module}.weight": matrix, f"{module}.bias": step.rows}


def tensor_shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor that the forward pass needs, by name.

    A weight of a linear layer is stored [out, in].
    """
    sizes = sizes_of(shape)._asdict()
    return {
        name: tuple(sizes[letter] for letter in letters)
        for module, step in modules(shape.layers)
        for name, letters in tensor_letters(module, step).items()
    }


def measured_by(letter: str) -> tuple[str, int]:
    """Where a checkpoint shows a size: the first tensor that has it, and on which axis."""
    for module, step in modules(1):
        for name, letters in tensor_letters(module, step).items():
            if letter in letters:
                return name, letters.index(letter)
    raise KeyError(letter)


def stage_names(layers: int, quantised: bool = False) -> tuple[str, ...]:
    """The stages of a forward pass, one for each barrier.

    Bias, residual and activation belong to the product they follow. A norm quantises its own
    result; the result of any other step is quantised before the product that reads it. The last
    layer's attention counts twice: gathering rows ends at a barrier, too.
    """
    layer: list[str] = []
    before = Kind.NORM
    for step in LAYER:
        if quantised and step.kind is Kind.LINEAR and before is not Kind.NORM:
            layer.append("quantise")
        layer.append("norms" if step.kind is Kind.NORM else step.name)
        before = step.kind
    last = [name for name in layer for _ in range(1 + (name == "attention"))]
    return ("embed", *layer * (layers - 1), *(last if layers else ()), *(s.name for s in HEAD))


def layer_weights(shape: Shape) -> int:
    """Elements of the matrices of all layers; a token is multiplied by each of them once."""
    return shape.layers * _elements(LAYER, shape)


def head_weights(shape: Shape) -> int:
    """Elements of the classifier's matrix."""
    return _elements(HEAD, shape)


def _elements(steps: tuple[Step, ...], shape: Shape) -> int:
    sizes = sizes_of(shape)._asdict()
    return sum(
        len(step.modules) * sizes[step.rows] * sizes[step.columns]
        for step in steps
        if step.kind is Kind.LINEAR
    )


def product_flops(shape: Shape) -> int:
    """FLOPs per token of the linear layers: two for each weight, 2 L (4 D² + 2 D F) + 2 D C.

    Biases, norms, activation and softmax, under 1 % of the whole in DistilBERT, do not count.
    """
    return 2 * (layer_weights(shape) + head_weights(shape))


def attention_flops(shape: Shape, tokens: int) -> int:
    """FLOPs per token of attention in a sequence of `tokens`, N: 4 L D N.

    In each of L layers its query is multiplied by N keys (2 D N over all heads), and N
    probabilities weight as many values (2 D N).
    """
    return 4 * shape.layers * shape.dim * tokens
