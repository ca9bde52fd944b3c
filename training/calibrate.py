"""Fit a temperature on dev and put it into a stored model's classifier.

A temperature divides all logits. The classifier is linear, so dividing its weights and biases does
the same: minner, transformers and every other program then give the calibrated scores, and no tag
changes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from calibration import calibration_error, fit_temperature, scores_of
from figures import read_set, tag_set
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import minner


def divide_classifier(model: Path, temperature: float) -> None:
    """Divide the classifier by the temperature, in place."""
    path = model / "model.safetensors"
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    for name in ("classifier.weight", "classifier.bias"):
        tensors[name] = tensors[name].float() / temperature
    save_file(tensors, path, metadata)


def main() -> None:
    """Fit, divide, and print the calibration error before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="a stored model, which is changed")
    parser.add_argument("dev", type=Path, help="the file to fit on")
    args = parser.parse_args()
    sentences = tag_set(minner.load(args.model), read_set(args.dev))
    temperature = fit_temperature(sentences)
    divide_classifier(args.model, temperature)
    before, after = (calibration_error(scores_of(sentences, t)) for t in (1.0, temperature))
    print(json.dumps({"temperature": temperature, "before": before, "after": after}))


if __name__ == "__main__":
    main()
