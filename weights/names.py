"""The tensor names seen in the wild -> the names and shapes of this project.

The names are Hugging Face's without the `distilbert.` prefix. What else is met: checkpoints of the
bare encoder (no prefix), of DataParallel (`module.`), torch.compile (`_orig_mod.`) and home-made
wrappers (`model.`), and TensorFlow's names for layer norms (`gamma`, `beta`), which transformers
still renames as well.
"""

import re
from collections.abc import Iterable, Mapping

from minner.errors import MinnerError
from minner.weights.config import Config
from minner.weights.scales import join_scales
from minner.weights.tensors import StoredTensor

_WRAPPERS = re.compile(r"^(?:(?:module|model|_orig_mod|distilbert)\.)+")

_NORM_BY_TENSORFLOW = re.compile(r"(LayerNorm|layer_norm)\.(gamma|beta)\Z")

_IGNORED = re.compile(
    r"(vocab_transform|vocab_layer_norm|vocab_projector|pre_classifier|qa_outputs)\."
    r"|embeddings\.position_ids\Z"
)
"""The heads of other tasks, and the buffer of positions 0, 1, 2... that old files carry."""

_LAYER = re.compile(r"transformer\.layer\.([0-9]{1,3})\.")


def canonical_tensors(stored: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """Return `stored` under this project's names, without the tensors of other heads.

    Raises:
        MinnerError: two tensors turn out to have the same name, or as `join_scales`.
    """
    renamed: dict[str, StoredTensor] = {}
    for tensor in stored.values():
        name = canonical_name(tensor.name)
        if name in renamed:
            raise MinnerError(
                f"{tensor.path}: {renamed[name].name!r} and {tensor.name!r} are both {name}"
            )
        if not _IGNORED.match(name):
            renamed[name] = tensor
    return join_scales(renamed)


def canonical_name(name: str) -> str:
    """Return `name` without wrappers, with `weight` and `bias` for TensorFlow's layer norms."""
    bare = _WRAPPERS.sub("", name)
    return _NORM_BY_TENSORFLOW.sub(
        lambda match: f"{match[1]}.{'weight' if match[2] == 'gamma' else 'bias'}", bare
    )


def layer_count(names: Iterable[str]) -> int:
    """Return one more than the highest index of a transformer layer in `names`, 0 without any."""
    found = (_LAYER.match(name) for name in names)
    return max((int(match[1]) + 1 for match in found if match), default=0)


def expected_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor that the forward pass of `config` needs, by name.

    A weight of a linear layer is stored [out, in].
    """
    V, P, D = config.vocab_size, config.max_position_embeddings, config.dim
    F, C = config.hidden_dim, len(config.labels)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (V, D),
        "embeddings.position_embeddings.weight": (P, D),
        **_norm("embeddings.LayerNorm", D),
    }
    for i in range(config.n_layers):
        layer = f"transformer.layer.{i}"
        for name in ("q_lin", "k_lin", "v_lin", "out_lin"):
            shapes |= _linear(f"{layer}.attention.{name}", D, D)
        shapes |= _norm(f"{layer}.sa_layer_norm", D)
        shapes |= _linear(f"{layer}.ffn.lin1", F, D)
        shapes |= _linear(f"{layer}.ffn.lin2", D, F)
        shapes |= _norm(f"{layer}.output_layer_norm", D)
    return shapes | _linear("classifier", C, D)


def _linear(name: str, n_out: int, n_in: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (n_out, n_in), f"{name}.bias": (n_out,)}


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
