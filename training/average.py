"""Average the float32 weights of several runs and store the result as one checkpoint.

Runs that start from the same weights and see the text in another order end near each other; the
mean of their weights usually scores better than each of them.
"""

import argparse
import shutil
from pathlib import Path

import torch
from model import store
from safetensors.torch import load_file
from transformers import DistilBertConfig


def average(runs: list[Path], weights: list[float]) -> dict[str, torch.Tensor]:
    """Return the weighted mean of the runs' tensors."""
    mean: dict[str, torch.Tensor] = {}
    for run, weight in zip(runs, weights, strict=True):
        for name, tensor in load_file(run / "model.safetensors").items():
            mean[name] = mean.get(name, torch.zeros_like(tensor)) + tensor * (weight / sum(weights))
    return mean


def main() -> None:
    """Write the averaged checkpoint with the tokenizer of the first run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("runs", type=Path, nargs="+", help="output folders of train.py")
    parser.add_argument("--weights", type=float, nargs="*", help="equal if not given")
    args = parser.parse_args()
    first = args.runs[0]
    for run in args.runs[1:]:
        if (run / "tokenizer.json").read_bytes() != (first / "tokenizer.json").read_bytes():
            parser.error(f"{run} has another vocabulary")
    tensors = average(args.runs, args.weights or [1.0] * len(args.runs))
    config = DistilBertConfig.from_pretrained(first)
    store(tensors, config, args.out)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(first / name, args.out / name)


if __name__ == "__main__":
    main()
