"""From the name of a model to all that runs it, and how to load it again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from minner.decoding.schemes import are_bare
from minner.engine import Engine, check_settings, warn_where_slow
from minner.errors import MinnerError, warn
from minner.reader import Reader
from minner.weights.checkpoint import Checkpoint, open_checkpoint
from minner.weights.encoder import open_encoder
from minner.weights.hub import TOKENIZER_FILES, find_checkpoint


class Loaded(NamedTuple):
    """A model that is ready to run.

    Attributes:
        source: what was asked for: a path or a name; None: the embedded model.
        settings: the other arguments of `load_model`.
        checkpoint: the files that it was found in.
        reader: what runs it.
    """

    source: str | None
    settings: dict[str, Any]
    checkpoint: Checkpoint
    reader: Reader

    def recipe(self) -> tuple[str | None, Path | None, dict[str, Any]]:
        """What a process elsewhere needs to load it again: source, directory, settings."""
        place = None if self.source is None else self.checkpoint.directory.absolute()
        return self.source, place, self.settings


def load_model(
    model: Any, *, tokenizer: Any, precision: Any, threads: Any, lowercase: bool | None
) -> Loaded:
    """Load a model; arguments and errors are those of `minner.load`."""
    check_settings(precision, threads)
    for name, place in (("model", model), ("tokenizer", tokenizer)):
        if place is not None and not isinstance(place, str | os.PathLike):
            raise MinnerError(f"a {name} must be a path or a name, not {type(place).__name__}")
    if not isinstance(lowercase, bool | None):
        raise MinnerError(f"lowercase must be True, False or None, not {lowercase!r}")
    checkpoint = open_checkpoint(find_checkpoint(model))
    if tokenizer is not None:
        tokenizer = find_checkpoint(tokenizer, files=TOKENIZER_FILES).absolute()
    encoder = open_encoder(tokenizer or checkpoint.directory, checkpoint.config, lowercase)
    settings = {
        "tokenizer": tokenizer,
        "precision": precision,
        "threads": threads,
        "lowercase": lowercase,
    }
    reader = Reader(encoder, Engine(checkpoint, threads, precision))
    warn_where_slow(precision)
    if are_bare(checkpoint.config.labels):
        warn(
            f"{checkpoint.directory}: no label starts with B- or I-; neighbouring words "
            f"of one label will be joined into one entity"
        )
    return Loaded(None if model is None else os.fspath(model), settings, checkpoint, reader)


def place_or_source(source: str | None, place: Path | None) -> str | Path | None:
    """Where to load a model from again: where it was, or by name where nothing is there."""
    return place if place is not None and place.is_dir() else source
