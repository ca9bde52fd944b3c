"""Conversions of a checkpoint with a changed file."""

from __future__ import annotations

import shutil
from random import Random

from checkpoint_files import TEXTS, Model, exchanged, write_model
from mutations import mutate_json
from texts import assert_sound

import minner
from hazards.safetensors_header import mutate as mutate_safetensors
from minner.weights.convert import convert

PROVOKED = "a file changed, then converted in a random way; what is written loads, and tags texts"
QUICK, LONG = 120, 30_000

prepare = write_model


def trial(random: Random, model: Model) -> None:
    """Change, convert and load what was made."""
    name = random.choice(sorted(model.files))
    change = mutate_safetensors if name == "model.safetensors" else mutate_json
    target = model.folder.parent / "converted"
    with exchanged(model, name, change(random, model.files[name])):
        original = minner.load(model.folder, threads=1)
        for text in TEXTS:
            original(text)  # or its tokenizer fails, and the converted one as well
        how = random.choice(("bfloat16", "int8")), random.choice(("float16", "same", "int8"))
        convert(model.folder, target, *how)
    try:
        made = minner.load(target, threads=1)
        for text in TEXTS:
            assert_sound(made, text)
    except minner.MinnerError as error:
        raise AssertionError("what was converted cannot be used") from error
    finally:
        shutil.rmtree(target)
