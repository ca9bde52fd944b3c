"""The same with torch and transformers: its pipeline, with int8 matrices.

Arguments: text, checkpoint, threads.
"""

import json
import sys
import warnings

import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

warnings.simplefilter("ignore")
text, checkpoint, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
model = AutoModelForTokenClassification.from_pretrained(checkpoint, dtype=torch.float32).eval()
quantised = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
ner = pipeline("ner", quantised, tokenizer=tokenizer, aggregation_strategy="first")
print(json.dumps([[one["entity_group"], one["start"], one["end"]] for one in ner(text)]))
