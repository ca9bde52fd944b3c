"""The tensor names seen in the wild -> those of this project, which `minner.kernels.model` lists.

The names are Hugging Face's without the `distilbert.` prefix. What else is met: checkpoints of the
bare encoder (no prefix), of DataParallel (`module.`), torch.compile (`_orig_mod.`) and home-made
wrappers (`model.`), and TensorFlow's names for layer norms (`gamma`, `beta`), which transformers
still renames as well.
"""

import re
from collections.abc import Iterable, Mapping

from minner.errors import MinnerError
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
