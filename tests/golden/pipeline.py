"""Store what the pipeline of transformers gives for the cases of test_huggingface.py.

Run after a new embedded model, where torch and transformers are installed::

    python tests/golden/pipeline.py
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
import transformers

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from checkpoints import write_checkpoint
from minner.weights.hub import find_checkpoint
from test_huggingface import CASES, KEYS, MODELS


def results() -> dict[str, object]:
    """The result of each case, by its name."""
    pipes = {"embedded": transformers.pipeline("ner", model=str(find_checkpoint(None)))}
    for name, shape in MODELS.items():
        with tempfile.TemporaryDirectory() as directory:
            path = write_checkpoint(Path(directory), **shape)
            pipes[name] = transformers.pipeline("ner", model=str(path), device="cpu")
    return {
        name: pipes[case.model](case.inputs, **(case.options | case.call))
        for name, case in CASES.items()
    }


def values(result: object) -> object:
    """The values of each entity in place of the dictionary; its keys are in KEYS."""
    if isinstance(result, dict):
        assert tuple(result) == KEYS[len(result)]
        return list((result | {"score": round(float(result["score"]), 6)}).values())
    return [values(one) for one in result]


def main() -> None:
    """Write pipeline.json, a case to a line."""
    made_with = f"transformers {transformers.__version__}, torch {torch.__version__}"
    lines = [
        f"{json.dumps(name)}: {json.dumps(values(result), separators=(',', ':'))}"
        for name, result in results().items()
    ]
    text = f'{{"made_with": {json.dumps(made_with)},\n"cases": {{\n' + ",\n".join(lines) + "}}\n"
    (HERE / "pipeline.json").write_text(text)


if __name__ == "__main__":
    main()
