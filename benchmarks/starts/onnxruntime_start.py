"""The same with ONNX Runtime and tokenizers alone: no transformers, no torch.

Arguments: text, checkpoint, ONNX file, threads, and session entries such as `a.key=1`.
"""

import json
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

text, checkpoint, onnx, threads, *entries = sys.argv[1:]
with open(f"{checkpoint}/config.json", encoding="utf-8") as file:
    labels = json.load(file)["id2label"]
tokenizer = Tokenizer.from_file(f"{checkpoint}/tokenizer.json")
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(threads)
options.log_severity_level = 3
for entry in entries:
    options.add_session_config_entry(*entry.split("="))
session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])

encoding = tokenizer.encode(text)
inputs = {
    "input_ids": np.array([encoding.ids]),
    "attention_mask": np.array([encoding.attention_mask]),
}
best = session.run(None, inputs)[0][0].argmax(axis=-1)

entities: list[list[str | int]] = []
word_before, label_before = None, ""
for token, (word, (start, end)) in enumerate(zip(encoding.word_ids, encoding.offsets, strict=True)):
    if word is None:
        continue
    if word == word_before:  # a later wordpiece of a word only makes it longer
        if label_before:
            entities[-1][2] = end
        continue
    prefix, _, label = labels[str(best[token])].partition("-")
    if label and prefix == "I" and label == label_before:
        entities[-1][2] = end
    elif label:
        entities.append([label, start, end])
    word_before, label_before = word, label
print(json.dumps(entities))
