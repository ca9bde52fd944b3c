"""A checkpoint directory -> its tensors by name, whichever files they are spread over.

The files Hugging Face writes: model.safetensors; or model.safetensors.index.json whose weight_map
names the shard of each tensor; both also with a variant in the name (model.fp16.safetensors,
model.safetensors.index.fp16.json). The plain names are preferred, the single file to the index.
"""

from pathlib import Path

from minner.errors import MinnerError
from minner.weights.files import read_json_object
from minner.weights.tensors import StoredTensor, read_safetensors

_NAMES = ("model.safetensors", "model.safetensors.index.json")
_VARIANTS = ("model.*.safetensors", "model.safetensors.index.*.json")

_FROM_PRETRAINED = "AutoModelForTokenClassification.from_pretrained(path{}).save_pretrained(path)"
_CONVERSION = "convert them with transformers and torch: " + _FROM_PRETRAINED.format("")

_FOREIGN = {
    ("*.bin", "*.pt", "*.pth"): (
        "a pickle can run any code when it is loaded, so minner never loads one; " + _CONVERSION
    ),
    ("*.h5", "*.ckpt*"): (
        "convert them with transformers 4, torch and tensorflow: "
        + _FROM_PRETRAINED.format(", from_tf=True")
    ),
    ("*.msgpack",): (
        "convert them with transformers 4, torch and flax: "
        + _FROM_PRETRAINED.format(", from_flax=True")
    ),
    ("*.onnx", "onnx/*.onnx"): (
        "an ONNX file is an export: take the checkpoint that it was made from, or if that has no "
        "safetensors either, " + _CONVERSION
    ),
}
"""Weights of other formats, looked for only to say what to do, the best source first."""

_NO_WEIGHTS = ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth")
"""What a trainer leaves beside them."""


def read_tensors(directory: Path) -> dict[str, StoredTensor]:
    """Return every tensor of the checkpoint in `directory`, under the names its files use.

    Raises:
        MinnerError: there are no safetensors weights or several variants of them, a shard is
            missing or lacks a tensor, or as `read_safetensors`.
    """
    path = _weights_file(directory)
    return _read_shards(path) if path.suffix == ".json" else read_safetensors(path)


def _weights_file(directory: Path) -> Path:
    for name in _NAMES:
        if (directory / name).exists():
            return directory / name
    variants = [path for pattern in _VARIANTS for path in sorted(directory.glob(pattern))]
    if len(variants) == 1:
        return variants[0]
    if variants:
        names = ", ".join(path.name for path in variants)
        raise MinnerError(f"{directory} has several variants ({names}); keep only the one to use")
    for patterns, remedy in _FOREIGN.items():
        found = {path.name for pattern in patterns for path in directory.glob(pattern)}
        foreign = sorted(found - set(_NO_WEIGHTS))
        if foreign:
            raise MinnerError(
                f"{directory} has weights only as {', '.join(foreign)}, and minner reads "
                f"safetensors; {remedy}"
            )
    raise MinnerError(
        f"{directory} has no weights: neither {' nor '.join(_NAMES)} is there; if the model was "
        f"published in another format, {_CONVERSION}"
    )


def _read_shards(index: Path) -> dict[str, StoredTensor]:
    weight_map = read_json_object(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise MinnerError(f"{index}: weight_map must be an object of file names by tensor name")
    shards: dict[str, dict[str, StoredTensor]] = {}
    tensors: dict[str, StoredTensor] = {}
    for name, file_name in weight_map.items():
        if not isinstance(file_name, str) or Path(file_name).name != file_name:
            raise MinnerError(f"{index}: {file_name!r} is no name of a file beside it")
        if file_name not in shards:
            shards[file_name] = _read_shard(index, file_name)
        if name not in shards[file_name]:
            raise MinnerError(f"{index}: {name!r} is not in {file_name}, where it should be")
        tensors[name] = shards[file_name][name]
    return tensors


def _read_shard(index: Path, file_name: str) -> dict[str, StoredTensor]:
    try:
        return read_safetensors(index.parent / file_name)
    except MinnerError as error:
        raise MinnerError(f"{index} lists a shard that cannot be used: {error}") from error
