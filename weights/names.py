"""The tensor names seen in the wild -> those of this project, which `minner.kernels.model` lists.

The names are an architecture's, with or without its prefix (`bert.`). What else is met: checkpoints
of DataParallel (`module.`), torch.compile (`_orig_mod.`) and home-made wrappers (`model.`), and
TensorFlow's names for layer norms (`gamma`, `beta`), which transformers still renames as well.
"""

import re
from collections.abc import Iterable, Mapping

from minner.errors import MinnerError
from minner.weights.architectures.architecture import LAYERS, Architecture
from minner.weights.scales import join_scales
from minner.weights.tensors import StoredTensor

_NORM_BY_TENSORFLOW = re.compile(r"(LayerNorm|layer_norm)\.(gamma|beta)\Z")

_BUFFERS = re.compile(r"embeddings\.(position_ids|token_type_ids)\Z")
"""Of positions 0, 1, 2... and of token types 0, 0, 0..., which old files carry."""

_LAYER = re.compile(re.escape(LAYERS) + r"\.([0-9]{1,3})\.")


def canonical_tensors(
    stored: Mapping[str, StoredTensor], architecture: Architecture
) -> dict[str, StoredTensor]:
    """Return `stored` under this project's names, without the tensors of other heads.

    Raises:
        MinnerError: two tensors turn out to have the same name, or as `join_scales`.
    """
    renamed: dict[str, StoredTensor] = {}
    for tensor in stored.values():
        name = canonical_name(tensor.name, architecture)
        if name in renamed:
            raise MinnerError(
                f"{tensor.path}: {renamed[name].name!r} and {tensor.name!r} are both {name}"
            )
        if name.split(".")[0] not in architecture.other_heads and not _BUFFERS.match(name):
            renamed[name] = tensor
    return join_scales(renamed)


def canonical_name(name: str, architecture: Architecture) -> str:
    """Return this project's name of a tensor, `weight` and `bias` for TensorFlow's layer norms."""
    parts = name.split(".")
    wrappers = {"module", "model", "_orig_mod", architecture.prefix}
    while parts[0] in wrappers and len(parts) > 1:
        del parts[0]
    bare = _NORM_BY_TENSORFLOW.sub(
        lambda match: f"{match[1]}.{'weight' if match[2] == 'gamma' else 'bias'}", ".".join(parts)
    )
    return architecture.canonical_name(bare)


def layer_count(names: Iterable[str]) -> int:
    """Return one more than the highest index of a transformer layer in `names`, 0 without any."""
    found = (_LAYER.match(name) for name in names)
    return max((int(match[1]) + 1 for match in found if match), default=0)
