"""The arguments of transformers' `pipeline`: which have a meaning here, and which have none."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

from minner.errors import MinnerError, warn
from minner.options import refuse_unknown
from minner.weights.config import read_config
from minner.weights.hub import HubOptions, find_checkpoint

_HUB: dict[str, tuple[type, ...]] = {
    "revision": (str,),
    "token": (str, bool),
    "cache_dir": (str, os.PathLike),
    "local_files_only": (bool,),
}
"""Arguments that say how to download, with the same meaning here -> their types, beside None."""

_NEUTRAL: dict[str, set[str]] = {
    "device": {"None", "-1", "cpu"},
    "device_map": {"None", "cpu", "auto"},
    "dtype": {"None", "auto", "float32"},
    "torch_dtype": {"None", "auto", "float32"},
    "framework": {"None", "pt"},
    "load_in_8bit": {"None", "False"},
    "load_in_4bit": {"None", "False"},
    "quantization_config": {"None"},
    "feature_extractor": {"None"},
    "image_processor": {"None"},
    "video_processor": {"None"},
    "processor": {"None"},
}
"""Arguments that have no meaning here -> values that ask for nothing else than what is done."""

_ANY = (
    "use_fast",
    "trust_remote_code",
    "num_workers",
    "binary_output",
    "modelcard",
    "args_parser",
    "code_revision",
    "attn_implementation",
    "low_cpu_mem_usage",
    "use_safetensors",
    "force_download",
)
"""Arguments that have no meaning here, whose values make no difference to results."""


def hub_options(given: Mapping[str, Any], known: Collection[str]) -> HubOptions:
    """Read the arguments that no pipeline has: what is for a download, and what has no meaning.

    Args:
        given: arguments by name; `model_kwargs` among them may hold more.
        known: names of a pipeline's own arguments, of which one may be meant.

    Raises:
        MinnerError: there is no such argument, or its value is of another type.
    """
    arguments = dict(given)
    more = arguments.pop("model_kwargs", None) or {}
    if not isinstance(more, Mapping):
        raise MinnerError(f"model_kwargs must be a dictionary of arguments, not {more!r}")
    arguments |= more
    refuse_unknown(arguments, [*known, *_HUB, *_NEUTRAL, *_ANY, "model_kwargs"], "argument")
    hub = {name: arguments[name] for name in _HUB if arguments.get(name) is not None}
    for name, value in hub.items():
        if not isinstance(value, _HUB[name]):
            kinds = " or ".join(kind.__name__ for kind in _HUB[name])
            raise MinnerError(f"{name} must be of the type {kinds}, not {value!r}")
    ignored = [
        f"{name}={value!r}"
        for name, value in arguments.items()
        if name in _NEUTRAL and str(value).removeprefix("torch.") not in _NEUTRAL[name]
    ]
    if ignored:
        warn(
            f"ignored: {', '.join(ignored)}; minner runs on the CPU in float32, or in the "
            f"precision of a model from minner.load(..., precision=...)"
        )
    return HubOptions(**hub)


def check_config(config: Any, labels: Mapping[int, Any], options: HubOptions) -> None:
    """Refuse a `config`, an object or the name of one, with other labels than the model's own.

    Raises:
        MinnerError: it has, it cannot be found, or it is neither.
    """
    if isinstance(config, str | os.PathLike):
        stated = read_config(find_checkpoint(config, options, ("config.json",))).labels
        theirs = {*enumerate(stated)}
    elif isinstance(names := getattr(config, "id2label", None), Mapping):
        theirs = {(int(i), name) for i, name in names.items()}
    else:
        raise MinnerError(
            f"config must be a directory, a repo id or a config of transformers, not {config!r}"
        )
    if theirs != {*labels.items()}:
        raise MinnerError(
            "config has other labels than the model; write them into the model's config.json "
            "with config.save_pretrained(path)"
        )
