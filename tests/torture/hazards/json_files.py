"""JSON at the edges of the standard, in every file that holds JSON."""

from __future__ import annotations

import json
from random import Random

from checkpoint_files import Model, check_file, write_model
from json_cases import INVALID, OPEN, VALID
from mutations import mutate_bytes

from checkpoints import with_header

PROVOKED = (
    "well-formed, broken and disputed JSON as a whole file, as a value in one, and as a header of "
    "safetensors; then loaded, and three texts tagged"
)
QUICK, LONG = 250, 30_000

FILES = (
    *("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("added_tokens.json", "model.safetensors.index.json", "model.safetensors"),
)

prepare = write_model


def trial(random: Random, model: Model) -> None:
    """One case in one file."""
    case = random.choice((*VALID, *INVALID, *OPEN))
    if random.random() < 0.3:
        case = mutate_bytes(random, case)
    name = random.choice(FILES)
    if name == "model.safetensors":
        data = with_header(case, b"")
    elif name in model.files and random.random() < 0.5:
        data = _inside(random, model.files[name], case)
    else:
        data = case
    check_file(model, name, data)


def _inside(random: Random, data: bytes, case: bytes) -> bytes:
    """The case in the place of one value, or as one more."""
    keys = json.loads(data)
    key = random.choice([*keys, "more"])
    keys[key] = "the case"
    return json.dumps(keys).encode().replace(b'"the case"', case, 1)
