"""What `inspect` says of a checkpoint with a changed file."""

from __future__ import annotations

import json
from random import Random

from checkpoint_files import Model, exchanged, write_model
from mutations import mutate_json

import minner
from hazards.safetensors_header import mutate as mutate_safetensors
from hazards.tokenizer_json import mutate as mutate_tokenizer
from minner import MinnerError
from minner.inspection.examine import examine

PROVOKED = "a file changed; `inspect` never fails, and finds an error if and only if loading does"
QUICK, LONG = 200, 60_000

prepare = write_model


def trial(random: Random, model: Model) -> None:
    """Change, look and load."""
    name = random.choice(sorted(model.files))
    change = {
        "model.safetensors": mutate_safetensors,
        "tokenizer.json": mutate_tokenizer,
    }.get(name, mutate_json)
    with exchanged(model, name, change(random, model.files[name])):
        try:
            found = examine(model.folder)
        except MinnerError as error:
            raise AssertionError("inspect raises") from error
        json.dumps(found.numbers(), ensure_ascii=False).encode()
        try:
            minner.load(model.folder, threads=1)
            refusal = None
        except MinnerError as error:
            refusal = str(error)
    assert (refusal is None) == (not found.errors), (refusal, found.errors)
    assert refusal is None or refusal == found.errors[0], (refusal, found.errors)
