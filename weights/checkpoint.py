"""A directory in Hugging Face's layout -> a validated Checkpoint."""

import mmap
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from minner.errors import MinnerError, warn
from minner.kernels.model import tensor_shapes
from minner.weights.architectures.architecture import TOKEN_TYPES, Architecture
from minner.weights.config import Config, read_config
from minner.weights.files import first_few
from minner.weights.names import canonical_tensors
from minner.weights.shards import read_tensors
from minner.weights.sizes import fit_config
from minner.weights.tensors import StoredTensor

_POSITIONS = "embeddings.position_embeddings.weight"


@dataclass(frozen=True)
class Checkpoint:
    """A token classifier whose parts are known to fit together.

    Attributes:
        directory: where it was read from.
        config: the hyper-parameters, agreeing with the tensors; C labels.
        stored: what its files hold, under the names of `kernels.model.tensor_shapes` and with
            exactly the shapes of `needed_shapes`.
    """

    directory: Path
    config: Config
    stored: Mapping[str, StoredTensor]

    @cached_property
    def tensors(self) -> Mapping[str, NDArray[np.float32]]:
        """Exactly the tensors of `kernels.model.tensor_shapes`, read at the first use.

        They are float32, finite, read-only, and memory-mapped where the file allows. The position
        embeddings are those of tokens: without rows of padding, and with the token type added.

        Raises:
            MinnerError: a dtype is not supported, or a value is not finite.
        """
        return MappingProxyType(
            {name: self.tensor(name) for name in tensor_shapes(self.config.shape)}
        )

    def tensor(self, name: str) -> NDArray[np.float32]:
        """One of `tensors`, read now and not remembered.

        Raises:
            MinnerError: as `tensors`.
        """
        if name not in self.stored:
            return sinusoidal_positions(*tensor_shapes(self.config.shape)[name])
        array = self.stored[name].to_float32()
        if name == _POSITIONS:
            array = array[self.config.first_position :]
            if TOKEN_TYPES in self.stored:
                array = array + self.stored[TOKEN_TYPES].to_float32()[0]
                array.flags.writeable = False
        return array

    def release(self) -> None:
        """Give back the memory of what has been read of the files, which is read again at need."""
        mapped = {id(tensor.data.obj): tensor.data.obj for tensor in self.stored.values()}
        for content in mapped.values():
            if hasattr(content, "madvise"):  # a mapping, on a system where it can be told
                content.madvise(mmap.MADV_DONTNEED)


def read_checkpoint(directory: str | Path) -> Checkpoint:
    """Return the token classifier in `directory`, its tensors read.

    Raises:
        MinnerError: as `open_checkpoint`, or a tensor cannot be read.
    """
    checkpoint = open_checkpoint(directory)
    _ = checkpoint.tensors
    return checkpoint


def open_checkpoint(directory: str | Path) -> Checkpoint:
    """Return the token classifier in `directory`, its tensors checked but for their values.

    Where config.json and the tensors disagree the tensors are trusted, with a MinnerWarning.

    Raises:
        MinnerError: a file is missing, unreadable, broken, or not of a token classifier that
            minner runs; the text names the file, and the tensor where it is about one.
    """
    directory = Path(directory)
    if not os.path.isdir(directory):
        raise MinnerError(f"{directory} is not a directory holding a checkpoint")
    claimed = read_config(directory)
    stored = read_tensors(directory)
    tensors = canonical_tensors(stored, claimed.architecture)
    _check_classifier(directory, stored, tensors)
    config = fit_config(directory / "config.json", claimed, tensors)
    shapes = needed_shapes(config, tensors)
    _check_names(directory, config.architecture, shapes.keys(), tensors)
    for name, shape in shapes.items():
        check_shape(tensors[name], shape)
    return Checkpoint(directory, config, MappingProxyType({n: tensors[n] for n in shapes}))


def needed_shapes(
    config: Config, tensors: Mapping[str, StoredTensor]
) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor that must be stored.

    Sinusoidal positions need not be. There may be any number of token types, one at least.
    """
    shapes = tensor_shapes(config.shape)
    if config.sinusoidal_pos_embds and _POSITIONS not in tensors:
        del shapes[_POSITIONS]
    else:
        shapes[_POSITIONS] = (config.first_position + config.max_position_embeddings, config.dim)
    if config.architecture.token_types:
        stored = tensors[TOKEN_TYPES].shape if TOKEN_TYPES in tensors else ()
        shapes[TOKEN_TYPES] = (max(stored[:1], default=1) or 1, config.dim)
    return shapes


def sinusoidal_positions(n_positions: int, dim: int) -> NDArray[np.float32]:
    """Return position embeddings [P, D] as DistilBERT initialises them.

    Column j of row p is the sine (even j) or cosine (odd j) of p / 10000^(2 (j // 2) / D), in
    float64 before rounding, as in transformers' `create_sinusoidal_embeddings`.
    """
    columns = np.arange(dim)
    angles = np.arange(n_positions)[:, None] / np.power(10000.0, 2 * (columns // 2) / dim)
    table = np.where(columns % 2, np.cos(angles), np.sin(angles)).astype(np.float32)
    table.flags.writeable = False
    return table


def _check_classifier(
    directory: Path, stored: Mapping[str, StoredTensor], tensors: Mapping[str, StoredTensor]
) -> None:
    """Refuse a model without the head of a token classifier; a random one would only mislead."""
    if any("crf." in name.lower() for name in stored):
        raise MinnerError(
            f"{directory} chooses tags by a CRF, and minner runs models whose head is one linear "
            f"layer"
        )
    if any(".lora_" in name for name in stored):
        raise MinnerError(
            f"{directory} holds an adapter beside the model's weights; merge them first "
            f"(in peft: merge_and_unload(), then save_pretrained)"
        )
    if not any(name.startswith("classifier.") for name in tensors):
        raise MinnerError(
            f"{directory} has no classifier tensors, so it is not a token classifier; "
            f"fine-tune it for token classification first"
        )
    if {"classifier.out_proj.weight", "classifier.dense.weight"} & tensors.keys():
        raise MinnerError(
            f"{directory} has the head of a classifier of whole texts, not of tokens; fine-tune it "
            f"for token classification first"
        )
    if any("pre_classifier." in name for name in stored):
        warn(f"{directory} has pre_classifier tensors, as classifiers of whole texts have")


def _check_names(
    directory: Path,
    architecture: Architecture,
    wanted: Collection[str],
    tensors: Mapping[str, StoredTensor],
) -> None:
    missing = [repr(architecture.bare_name(name)) for name in sorted(set(wanted) - tensors.keys())]
    if missing:
        raise MinnerError(
            f"{directory}: the weights lack {first_few(missing)}; "
            f"download the checkpoint again, or save the whole model"
        )
    unknown = [repr(tensors[name].name) for name in sorted(tensors.keys() - set(wanted))]
    if unknown:
        warn(
            f"{directory}: the weights hold tensors no {architecture.model_type} uses: "
            f"{first_few(unknown)}"
        )


def check_shape(tensor: StoredTensor, shape: tuple[int, ...]) -> None:
    """Refuse a tensor that does not have this shape.

    Raises:
        MinnerError: it has another.
    """
    if tensor.shape != shape:
        raise MinnerError(
            f"{tensor.path}: tensor {tensor.name!r} has shape {list(tensor.shape)} where the "
            f"other tensors ask for {list(shape)}"
        )
