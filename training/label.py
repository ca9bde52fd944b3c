"""Let teachers label the drawn text: the mean of their probabilities, for every wordpiece.

Writes ``00.soft.npy`` beside ``00.npz``, float16 of shape (wordpieces, labels). The teachers must
have the vocabulary that the text was cut with.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from data import LABELS
from text import Text, soft_path
from transformers import AutoModelForTokenClassification


def label(text: Text, teachers: list[torch.nn.Module], cells: int) -> np.ndarray:
    """Return the mean of the teachers' probabilities for all wordpieces of a text."""
    soft = torch.zeros(len(text.flat["ids"]), len(LABELS), dtype=torch.float16, device=text.device)
    for rows in text.batches(cells):
        batch = text.batch(rows)
        kept = batch.mask.bool()
        total = torch.zeros((), device=text.device)
        for teacher in teachers:
            logits = teacher(batch.ids, attention_mask=batch.mask).logits.float()
            total = total + logits.softmax(-1)
        starts = text.starts[torch.tensor(rows, device=text.device)].unsqueeze(1)
        places = starts + torch.arange(kept.shape[1], device=text.device)
        soft[places[kept]] = (total / len(teachers))[kept].half()
    return soft.cpu().numpy()


def main() -> None:
    """Label all files of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path, help="what draw.py wrote")
    parser.add_argument("teachers", type=Path, nargs="+", help="output folders of train.py")
    parser.add_argument("--cells", type=int, default=16_000, help="padded wordpieces in a batch")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    teachers = [
        AutoModelForTokenClassification.from_pretrained(folder, dtype=torch.bfloat16)
        .to(args.device)
        .eval()
        for folder in args.teachers
    ]
    for path in sorted(args.text.glob("*.npz")):
        with torch.inference_mode():
            soft = label(Text.read(path, args.device), teachers, args.cells)
        np.save(soft_path(path), soft)
        print(f"{path.name}: {len(soft)} wordpieces", flush=True)


if __name__ == "__main__":
    main()
