"""A model and a tokenizer, given in any of transformers' ways -> a loaded model."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from minner.compat.huggingface.model import Model, Tokenizer
from minner.compat.huggingface.objects import (
    TemporaryFolder,
    is_object,
    write_model,
    write_tokenizer,
)
from minner.errors import MinnerError
from minner.tagger import Tagger
from minner.weights.hub import TOKENIZER_FILES, HubOptions, find_checkpoint


class Loaded(NamedTuple):
    """What a pipeline runs on.

    Attributes:
        model: the model.
        tokenizer: the object that was given, or what describes the model's own.
        folder: holds the files of objects; to be kept as long as the model.
    """

    model: Model
    tokenizer: Any
    folder: TemporaryFolder | None


def load(model: Any, tokenizer: Any, options: HubOptions) -> Loaded:
    """Load a model with its tokenizer.

    Args:
        model: a directory, a repo id, a model from `minner.load` or one of transformers; the
            embedded model where it is None.
        tokenizer: a directory, a repo id or a tokenizer of transformers; the model's own where it
            is None.
        options: of downloads.

    Raises:
        MinnerError: they are none of these, do not fit together, or cannot be loaded.
    """
    if isinstance(model, Tagger):
        if tokenizer is not None:
            raise MinnerError("a model from minner.load has a tokenizer; leave tokenizer out")
        name = str(model.directory)
        return Loaded(Model(model, name), Tokenizer(model, name), None)
    _check_kinds(model, tokenizer)
    folder = TemporaryFolder() if is_object(model) or is_object(tokenizer) else None
    if folder is None:
        tagger = _load_files(model, tokenizer, options)
    else:
        try:
            tagger = _load_files(
                write_model(model, folder) if is_object(model) else model,
                write_tokenizer(tokenizer, folder) if is_object(tokenizer) else tokenizer,
                options,
            )
        except MinnerError as error:
            raise MinnerError(str(error).replace(f"{folder.path}{os.sep}", "")) from error
    name = _name(model, tagger)
    if not is_object(tokenizer):
        tokenizer = Tokenizer(tagger, name if tokenizer is None else str(tokenizer))
    return Loaded(Model(tagger, name), tokenizer, folder)


def _check_kinds(model: Any, tokenizer: Any) -> None:
    for what, given in (("model", model), ("tokenizer", tokenizer)):
        if given is not None and not isinstance(given, str | os.PathLike) and not is_object(given):
            raise MinnerError(
                f"the {what} must be a directory, a repo id or an object of transformers, not "
                f"{type(given).__name__}"
            )
    if is_object(model) and tokenizer is None:
        raise MinnerError("pass the tokenizer of the model as well: pipeline(..., tokenizer=...)")


def _load_files(model: Any, tokenizer: Any, options: HubOptions) -> Tagger:
    if tokenizer == model:
        tokenizer = None
    return Tagger(
        None if model is None else find_checkpoint(model, options),
        tokenizer=(
            None if tokenizer is None else find_checkpoint(tokenizer, options, TOKENIZER_FILES)
        ),
    )


def _name(model: Any, tagger: Tagger) -> str:
    if is_object(model):
        return str(getattr(model, "name_or_path", ""))
    return str(tagger.directory if model is None else model)
